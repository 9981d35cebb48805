Gem::Specification.new do |spec|
  spec.name = "native"
  spec.version = "1.2.0"
  spec.summary = "Says where it was compiled"
  spec.authors = ["trilithon"]
  spec.files = Dir["{lib,ext}/**/*"]
  spec.extensions = ["ext/native/extconf.rb"]
end
