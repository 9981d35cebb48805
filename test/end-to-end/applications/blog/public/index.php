<?php
require __DIR__ . '/../database.php';
if ($_SERVER['REQUEST_URI'] !== '/notes') {
    http_response_code(404);
    exit("no page $_SERVER[REQUEST_URI]\n");
}
foreach (database()->query('SELECT text FROM notes') as [$text]) {
    echo "$text\n";
}
