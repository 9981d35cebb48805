require "native"
require "rack"

run ->(_environment) { [200, { "content-type" => "text/plain" }, ["rack #{ENV["RACK_ENV"]} #{Native.compiler}\n"]] }
