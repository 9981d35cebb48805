<?php
require __DIR__ . '/../database.php';
database()->prepare('INSERT INTO notes (text) VALUES (?)')->execute([$_POST['text']]);
http_response_code(201);
