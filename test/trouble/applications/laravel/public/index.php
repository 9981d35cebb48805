<?php
require __DIR__ . '/../bootstrap/app.php';
answer(parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH));
