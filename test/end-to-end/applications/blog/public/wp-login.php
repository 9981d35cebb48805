<?php
require __DIR__ . '/../database.php';
database()->query('SELECT 1 FROM notes');
echo "login\n";
