require "mkmf"

create_makefile("native/native")
