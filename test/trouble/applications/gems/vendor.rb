# In the folder of an application: makes its lock file and its vendor/cache, of the gems in /gems alone.
require "bundler"
require "fileutils"

FileUtils.mkdir_p("vendor/cache")
FileUtils.cp(Dir["/gems/*.gem"], "vendor/cache")
system("bundle", "install", "--local", "--no-cache", exception: true)
locked = Bundler::LockfileParser.new(File.read("Gemfile.lock")).specs.map(&:full_name)
Dir["vendor/cache/*.gem"].each { |path| File.delete(path) unless locked.include?(File.basename(path, ".gem")) }
