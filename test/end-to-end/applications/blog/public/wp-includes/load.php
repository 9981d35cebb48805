<?php // planted
echo "included\n";
