<?php
namespace Acme\Greeter;

class Greeter
{
    public static function greet(string $whom): string
    {
        return "hello $whom\n";
    }
}
