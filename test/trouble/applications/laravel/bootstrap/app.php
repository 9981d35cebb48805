<?php
/** What a framework would be: routes, a database, commands. */

/** As `config/database.php` makes it of its environment. */
function database(): PDO
{
    $url = parse_url(getenv('DB_URL'));
    return new PDO(getenv('DB_CONNECTION') . ":host=$url[host];port=$url[port];dbname=" . ltrim($url['path'], '/'), urldecode($url['user']), urldecode($url['pass']), [
        PDO::MYSQL_ATTR_SSL_CA => getenv('DATABASE_SSL_CA'),
        PDO::MYSQL_ATTR_SSL_VERIFY_SERVER_CERT => true,
        PDO::ATTR_TIMEOUT => 5,
    ]);
}

function answer(string $path): void
{
    header('X-Version: ' . VERSION);
    switch ($path) {
        case '/up':
            database()->query('SELECT 1');
            echo "up\n";
            return;
        case '/orders':
            if ($_SERVER['REQUEST_METHOD'] === 'POST') {
                database()->prepare('INSERT INTO orders (product) VALUES (?)')->execute([$_POST['product']]);
                http_response_code(201);
                return;
            }
            foreach (database()->query('SELECT product FROM orders') as [$product]) {
                echo "$product\n";
            }
            return;
        case '/session':
            session_start();
            echo $_SESSION['visits'] = ($_SESSION['visits'] ?? 0) + 1;
            return;
        case '/upload':
            $kept = __DIR__ . '/../storage/app/' . basename($_FILES['file']['name']);
            move_uploaded_file($_FILES['file']['tmp_name'], $kept);
            echo filesize($kept);
            return;
        default:
            http_response_code(404);
            echo "no route $path\n";
    }
}

/** Of `artisan`. */
function command(string $name): void
{
    $primary = database();
    switch ($name) {
        case 'migrate':
            echo "creating the table orders\n";
            $primary->exec('CREATE TABLE IF NOT EXISTS orders (id INT AUTO_INCREMENT PRIMARY KEY, product VARCHAR(100) NOT NULL)');
            return;
        case 'queue:work':
            while (true) {
                sleep(1);
            }
        case 'schedule:run':
            $primary->exec("INSERT INTO orders (product) VALUES ('by schedule')");
            return;
        default:
            fwrite(STDERR, "no command $name\n");
            exit(1);
    }
}

require __DIR__ . '/version.php';
