#include <ruby.h>

static VALUE compiler(VALUE self) { return rb_str_new_cstr("compiled C"); }

void Init_native(void) { rb_define_singleton_method(rb_define_module("Native"), "compiler", compiler, 0); }
