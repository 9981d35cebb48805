<?php
namespace App;

class Page
{
    public function whom(): string
    {
        return 'one';
    }
}
