<?php
require __DIR__ . '/../vendor/autoload.php';
echo Acme\Greeter\Greeter::greet((new App\Page())->whom());
echo class_exists(Acme\Tester\Tester::class) ? "with what is for development\n" : '';
