require "rack"

run ->(_environment) { [200, { "content-type" => "text/plain" }, ["rack #{Rack.release} #{ENV["RACK_ENV"]}\n"]] }
