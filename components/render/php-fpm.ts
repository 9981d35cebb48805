/** PHP-FPM as the process of an application: the configuration of its own master, and what asks it for the application's health. */

export interface PhpFpmConfig {
  /** The application: its user, and its folders. */
  readonly name: string;
  readonly socket: string;
  readonly children: number;
  readonly memoryMegabytes: number;
  readonly uploadLimitMegabytes: number;
  /** How long requests may take to end when it is stopped. */
  readonly stopSeconds: number;
  /** Directives of php.ini to values. */
  readonly ini: Readonly<Record<string, string>>;
}

export function renderPhpFpm(config: PhpFpmConfig): string {
  const { name, socket, children, memoryMegabytes, uploadLimitMegabytes, stopSeconds } = config;
  const ini = Object.entries(config.ini).map(([key, value]) => `php_value[${key}] = ${value}\n`);
  return `; Written by trilithon: what is changed here by hand is taken back by the next \`pulumi up\`.

[global]
error_log = syslog
syslog.ident = ${name}
; Requests under way end before it does.
process_control_timeout = ${stopSeconds}

[${name}]
listen = ${socket}
; Whoever may write to the socket may run anything as the application.
listen.acl_users = www-data
listen.backlog = 511
pm = dynamic
pm.max_children = ${children}
pm.start_servers = ${Math.min(2, children)}
pm.min_spare_servers = 1
pm.max_spare_servers = ${Math.min(3, children)}
; The application's environment.
clear_env = no
; What it writes to stderr is in the journal, and so is what PHP has to say.
catch_workers_output = yes
decorate_workers_output = no
php_admin_value[error_log] = syslog
php_value[display_errors] = 0
php_admin_value[memory_limit] = ${memoryMegabytes}M
php_admin_value[upload_max_filesize] = ${uploadLimitMegabytes}M
php_admin_value[post_max_size] = ${uploadLimitMegabytes}M
; Debian's own folder cannot be written to, and is cleaned by a job of its own.
php_value[session.save_path] = ${sessionsOf(name)}
php_value[session.gc_probability] = 1
${ini.join("")}`;
}

export interface PhpFpmUnit {
  readonly name: string;
  /** `8.4` */
  readonly version: string;
  readonly configurationFile: string;
}

/** What its unit has beside what that of any application has. */
export function describePhpFpm({ name, version, configurationFile }: PhpFpmUnit) {
  const start = [`/usr/sbin/php-fpm${version}`, "--nodaemonize", "--fpm-config", configurationFile];
  return {
    start,
    type: "notify",
    // SIGTERM ends it in the middle of requests.
    killSignal: "SIGQUIT",
    lines: [
      `RuntimeDirectory=${name}`,
      `ExecStartPre=/usr/bin/install -d -m 0700 ${sessionsOf(name)}`,
    ],
  } as const;
}

/** The file names are sessions: nobody else may list them. */
function sessionsOf(name: string): string {
  return `/var/lib/${name}/php-sessions`;
}

export interface FastCgiQuestion {
  readonly socket: string;
  readonly publicFolder: string;
  /** What visitors ask for before the path of a file in the public folder: empty, or `/shop`. */
  readonly base: string;
  /** Below the public folder: `/index.php`. */
  readonly script: string;
  readonly path: string;
  readonly host: string;
  readonly scheme: "http" | "https";
}

/**
 * A command, as words, that asks an application as Nginx does. It ends with 0 when the answer is 200 to 299; otherwise it says what
 * the answer was. perl-base and its sockets are on every Debian.
 */
export function askOverFastCgi(question: FastCgiQuestion): string[] {
  const { socket, publicFolder, base, script, path, host, scheme } = question;
  const parameters = {
    ...{ GATEWAY_INTERFACE: "CGI/1.1", SERVER_PROTOCOL: "HTTP/1.0", REQUEST_METHOD: "GET" },
    ...{ SCRIPT_NAME: `${base}${script}`, DOCUMENT_URI: script },
    ...{ REQUEST_URI: path, QUERY_STRING: "" },
    ...{ SERVER_NAME: host, SERVER_PORT: scheme === "https" ? "443" : "80", HTTP_HOST: host },
    ...{ REQUEST_SCHEME: scheme, HTTP_X_FORWARDED_PROTO: scheme, REMOTE_ADDR: "127.0.0.1" },
    ...(scheme === "https" && { HTTPS: "on" }),
  };
  const words = Object.entries(parameters).map(([key, value]) => `${key}=${value}`);
  return [
    "perl",
    "-MIO::Socket::UNIX",
    "-MCwd",
    "-e",
    fastCgiClient,
    socket,
    publicFolder,
    ...words,
  ];
}

const fastCgiClient = `
my ($path, $folder, @words) = @ARGV;
$SIG{ALRM} = sub { die "$path: no answer within 10 seconds\\n" };
alarm 10;
my %asked = map { split /=/, $_, 2 } @words;
my $root = Cwd::realpath($folder) // $folder;
@asked{"DOCUMENT_ROOT", "SCRIPT_FILENAME"} = ($root, "$root$asked{DOCUMENT_URI}");
my $socket = IO::Socket::UNIX->new(Peer => $path) or die "$path: $!\\n";
my $record = sub { pack("CCnnCx", 1, $_[0], 1, length $_[1], 0) . $_[1] };
my $length = sub { $_[0] > 127 ? pack("N", $_[0] | 1 << 31) : chr $_[0] };
my $parameters = join "", map { $length->(length $_) . $length->(length $asked{$_}) . $_ . $asked{$_} } keys %asked;
print $socket $record->(1, pack("nCx5", 1, 0)), $record->(4, $parameters), $record->(4, ""), $record->(5, "");
$socket->flush;
my %said = (6, "", 7, "");
while ((read($socket, my $head, 8) // 0) == 8) {
  my (undef, $type, undef, $size, $padding) = unpack "CCnnC", $head;
  last if $type == 3;
  read $socket, my $content, $size + $padding;
  $said{$type} .= substr $content, 0, $size;
}
my $url = "$asked{SCRIPT_FILENAME} for $asked{REQUEST_URI}";
die "$url: no answer\\n" if $said{6} eq "";
my ($head, $body) = split /\\r?\\n\\r?\\n/, $said{6}, 2;
my $status = $head =~ /^Status: *(.*?)\\s*$/im ? $1 : "200 OK";
exit 0 if $status =~ /^2/;
my ($to) = $head =~ m{^Location: *(\\S+)}im;
my ($why) = "$said{7}\\n$body" =~ /(\\S.{0,200})/;
die "$url: $status" . ($to ? ", a redirect to $to, is not healthy" : $why ? ": $why" : "") . "\\n";
`;
