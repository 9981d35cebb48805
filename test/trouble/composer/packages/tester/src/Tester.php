<?php
namespace Acme\Tester;

class Tester
{
}
