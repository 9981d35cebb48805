<?php
/** What a framework would be: routes, a database, commands. */

function database(string $host): PDO
{
    return new PDO("mysql:host=$host;port=" . getenv('DATABASE_PORT') . ';dbname=' . getenv('DATABASE_NAME'), getenv('DATABASE_USER'), getenv('DATABASE_PASSWORD'), [
        PDO::MYSQL_ATTR_SSL_CA => '/etc/ssl/certs/ca-certificates.crt',
        PDO::MYSQL_ATTR_SSL_VERIFY_SERVER_CERT => false,
        PDO::ATTR_TIMEOUT => 5,
    ]);
}

function answer(string $path): void
{
    header('X-Version: ' . VERSION);
    switch ($path) {
        case '/up':
            database(getenv('DATABASE_READ_HOST'))->query('SELECT 1');
            echo "up\n";
            return;
        case '/orders':
            if ($_SERVER['REQUEST_METHOD'] === 'POST') {
                database(getenv('DATABASE_PRIMARY_HOST'))->prepare('INSERT INTO orders (product) VALUES (?)')->execute([$_POST['product']]);
                http_response_code(201);
                return;
            }
            foreach (database(getenv('DATABASE_READ_HOST'))->query('SELECT product FROM orders') as [$product]) {
                echo "$product\n";
            }
            return;
        case '/session':
            session_start();
            echo $_SESSION['visits'] = ($_SESSION['visits'] ?? 0) + 1;
            return;
        case '/upload':
            echo filesize($_FILES['file']['tmp_name']);
            return;
        default:
            http_response_code(404);
            echo "no route $path\n";
    }
}

/** Of `artisan`. */
function command(string $name): void
{
    $primary = database(getenv('DATABASE_PRIMARY_HOST'));
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
