<?php
move_uploaded_file($_FILES['file']['tmp_name'], __DIR__ . '/../wp-content/uploads/' . basename($_FILES['file']['name']));
chmod(__DIR__ . '/../wp-content/uploads/' . basename($_FILES['file']['name']), 0644);
http_response_code(201);
