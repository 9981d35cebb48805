require_relative "database"

# What Rails would be: a router over a table.
run(lambda do |environment|
  request = Rack::Request.new(environment)
  case request.path
  when "/up"
    database("SELECT 1 FROM notes")
    [200, {}, ["up\n"]]
  when "/notes"
    if request.post?
      database("INSERT INTO notes (text) VALUES (CONVERT(0x#{request.params["text"].unpack1("H*")} USING utf8mb4))")
      [201, {}, []]
    else
      [200, { "content-type" => "text/plain" }, [database("SELECT text FROM notes")]]
    end
  else
    [404, {}, ["no page #{request.path}\n"]]
  end
end)
