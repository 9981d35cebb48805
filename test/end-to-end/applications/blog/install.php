<?php
require __DIR__ . '/database.php';
database()->exec('CREATE TABLE IF NOT EXISTS notes (id INT AUTO_INCREMENT PRIMARY KEY, text VARCHAR(100) NOT NULL)');
