# Makes gems of what Debian's packages have installed of Ruby, compiled ones with what is compiled, and of the folders named.
require "fileutils"
require "rubygems/package"
require "tmpdir"

target, *folders = ARGV.map { |path| File.expand_path(path) }
FileUtils.mkdir_p(target)

def pack(folder, spec, target)
  Dir.chdir(folder) do
    files = Dir["**/*"].select { |path| File.file?(path) }
    spec.signing_key = nil
    spec.cert_chain = spec.extra_rdoc_files = spec.test_files = []
    spec.bindir = "bin" if spec.bindir.start_with?("debian")
    spec.executables = spec.executables.select { |name| files.include?("#{spec.bindir}/#{name}") }
    spec.extensions = spec.extensions.select { |path| files.include?(path) }
    spec.files = files
    FileUtils.mv(Gem::Package.build(spec, true), target)
  end
end

# Debian has a gem's files in a folder, or among those of all others, as Ruby has those of the gems that it brings.
def gather(spec, folder)
  return FileUtils.cp_r("#{spec.full_gem_path}/.", folder) if File.directory?("#{spec.full_gem_path}/lib")

  spec.require_paths = ["lib"]
  among = RbConfig::CONFIG.values_at("vendordir", "rubylibdir", "rubyarchdir")
  spec.files.map { |path| path.delete_prefix("lib/") }.each do |path|
    from = among.map { |root| "#{root}/#{path}" }.find { |file| File.file?(file) } or next
    FileUtils.mkdir_p("#{folder}/lib/#{File.dirname(path)}")
    FileUtils.cp(from, "#{folder}/lib/#{path}")
  end
end

# As those do it who compile for others: the libraries are in the gem.
def add_compiled(spec, folder)
  among = RbConfig::CONFIG["vendorarchdir"]
  places = Dir["#{spec.extension_dir}/**/*.so"].to_h { |path| [path, path.delete_prefix(spec.extension_dir)] }
  Dir["#{among}/#{spec.name}/*.so"].each { |path| places[path] = path.delete_prefix(among) }
  return if places.empty?

  places.each do |from, path|
    place = "#{folder}/lib/#{path}"
    near = File.dirname(place)
    FileUtils.mkdir_p(near)
    FileUtils.cp(from, place)
    libraries = `ldd #{from}`.scan(%r{=> (/\S*/lib(?:xml2|xslt|exslt|gcrypt|gpg-error|mariadb)\.so\S*)}).flatten
    libraries.each { |library| FileUtils.cp(library, near) }
    system("patchelf", "--set-rpath", "$ORIGIN", place, *Dir["#{near}/lib*.so*"], exception: true)
  end
  spec.platform = Gem::Platform.local.to_s
  spec.dependencies.reject! { |one| one.name == "mini_portile2" }
end

# How MariaDB's library logs in to MySQL is in a file of its own.
def add_mariadb(folder)
  FileUtils.cp(Dir["/usr/lib/*/libmariadb3/plugin/caching_sha2_password.so"], "#{folder}/lib/mysql2")
  start = "#{folder}/lib/mysql2.rb"
  File.write(start, "ENV['MARIADB_PLUGIN_DIR'] ||= \"\#{__dir__}/mysql2\"\n#{File.read(start)}")
end

Gem::Specification.reject { |spec| spec.name == "bundler" }.each do |spec|
  Dir.mktmpdir do |folder|
    packed = spec.dup
    gather(packed, folder)
    add_compiled(packed, folder)
    add_mariadb(folder) if spec.name == "mysql2"
    pack(folder, packed, target)
  rescue Gem::InvalidSpecificationException => error
    warn "left out: #{spec.full_name}: #{error.message}"
  end
end

folders.each { |folder| pack(folder, Gem::Specification.load("#{folder}/#{File.basename(folder)}.gemspec"), target) }
