require "open3"
require "uri"

# Debian's driver is of MariaDB, and cannot be beside MySQL.
def database(statement)
  url = URI(ENV.fetch("DATABASE_URL"))
  words = ["mysql", "--host", url.host, "--port", url.port.to_s, "--user", url.user, "--batch", "--skip-column-names", url.path.delete_prefix("/")]
  said, status = Open3.capture2({ "MYSQL_PWD" => URI.decode_www_form_component(url.password) }, *words, stdin_data: statement)
  raise "mysql: #{status}" unless status.success?

  said
end
