<?php
/** What WordPress and its plugins would be: a database by the variables of its container image. */

function database(): PDO
{
    [$host, $port] = explode(':', getenv('WORDPRESS_DB_HOST'));
    return new PDO("mysql:host=$host;port=$port;dbname=" . getenv('WORDPRESS_DB_NAME'), getenv('WORDPRESS_DB_USER'), getenv('WORDPRESS_DB_PASSWORD'), [
        PDO::MYSQL_ATTR_SSL_CA => getenv('DATABASE_SSL_CA'),
        PDO::MYSQL_ATTR_SSL_VERIFY_SERVER_CERT => true,
    ]);
}
