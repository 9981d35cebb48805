/** The configuration of Nginx: a file for each application. It leaves Debian's nginx.conf as it is. */

import {
  type FastCgi,
  renderEntryScripts,
  renderFastCgiPass,
  renderFastCgiServer,
  scriptFor,
} from "./fastcgi";
import { forwardingHeaders, otherForwardedHeaders } from "./forwarding-headers";
import { renderCacheMap } from "./static-cache";
import { basePattern, nameInside, splitPath } from "./web-paths";

export interface NginxConfig {
  readonly domain: string;
  /** Told in the header X-Served-By. */
  readonly hostName: string;
  readonly port: number;
  /** Where it speaks TLS, if it does: with the certificate of `nginxFiles`. */
  readonly tlsPort?: number | undefined;
  /** Whose X-Forwarded-* headers are believed. */
  readonly loadBalancers: readonly string[];
  /** It answers also for names that no site has. */
  readonly application: NginxApplication;
  /** Further applications, each for domains of its own. */
  readonly sites: readonly NginxSite[];
  readonly uploadLimitMegabytes: number;
  readonly responseTimeoutSeconds: number;
  /** Lines that end the server's block, as they are. */
  readonly rawLines: readonly string[];
}

export interface NginxApplication {
  /** On 127.0.0.1, for HTTP. */
  readonly port: number;
  /** Asked instead. Default: it is asked over HTTP. */
  readonly fastCgi?: FastCgi | undefined;
  readonly healthPath: string;
  /** Below which it answers, if others have the rest of the site. */
  readonly paths?: readonly string[];
  /** The folder of the files that need no application. */
  readonly publicFolder: string;
  /** Further folders, in this order, for files that the first has not: those of the version before and after. */
  readonly otherPublicFolders: readonly string[];
  /** Below these paths the application writes files itself: `/uploads`. */
  readonly writtenPaths: readonly string[];
  /** Addresses of files that never change under their name, `*` being any text and `?` one letter. */
  readonly immutablePaths?: readonly string[] | undefined;
  /** While it exists the health check is answered with 404. */
  readonly drainFile: string;
  readonly accessLog: string;
}

export interface NginxSite {
  /** The application's: lower-case letters, digits and hyphens. */
  readonly name: string;
  /** Of an application that has paths of a site, those of the site. */
  readonly domains: readonly string[];
  readonly application: NginxApplication;
}

/** What the load balancer asks, whatever the application's own path is: that one may change under load. (The other one works as well.) */
export const webHealthPath = "/.trilithon/health";

/** Nginx's own counters (`stub_status`), for its own host only. */
export const webStatusPath = "/.trilithon/status";

/**
 * A file of such a name is never sent, wherever it lies: the application is asked instead. Upper case as well. What a browser is to
 * have may be among `ts` (a video), `md`, `xml` and `properties`.
 */
const sourceExtensions = [
  ...["php", "php[0-9]", "phps", "phtml", "phar", "inc"],
  ...["py", "pyc", "rb", "erb", "ru", "pl", "pm", "cgi", "fcgi", "lua", "ex", "exs"],
  ...["jsp", "jspx", "asp", "aspx", "ashx", "cs", "vb", "java", "class", "go", "rs"],
  ...["env", "ini", "conf", "cfg", "yml", "yaml", "toml", "lock"],
  ...["sql", "sqlite", "sqlite3", "db", "log", "sh", "key"],
  ...["bak", "old", "orig", "rej", "save", "dist", "swp", "swo"],
] as const;

/** A regular expression of their names. A compressed copy is none either. */
export const sourceNames = `(\\.(${sourceExtensions.join("|")})(\\.(gz|bz2|xz|zst|zip))?|~)$`;

const head =
  "# Written by trilithon: what is changed here by hand is taken back by the next `pulumi up`.";

/** The first application, and what the sites of all share. */
export function renderNginx(config: NginxConfig): string {
  const { domain, loadBalancers, application } = config;
  const names = [domain, ...config.sites.flatMap(namesOf)];
  return `${head}
${renderHashSize(names)}
log_format trilithon_json escape=json
    '{"time":"$time_iso8601","client":"$remote_addr","method":"$request_method","host":"$host",'
    '"uri":"$request_uri","status":$status,"bytes":$bytes_sent,"seconds":$request_time,'
    '"upstream_status":"$upstream_status","upstream_seconds":"$upstream_response_time",'
    '"request_id":"$app_request_id","referer":"$http_referer","agent":"$http_user_agent"}';

${renderUpstreams("app", application)}
map $request_method $app_keepalive {
    default close;
    GET     "";
    HEAD    "";
}

# Of all protocols that a client may want to change to only this one is passed on.
map $http_upgrade $app_upgrade {
    default       "";
    ~*^websocket$ websocket;
}

map $app_upgrade $app_connection {
    default upgrade;
    ""      $app_keepalive;
}

map $app_upgrade $app_location {
    default websocket;
    ""      app;
}

# What came over the load balancer is believed to be from where it says.
geo $realip_remote_addr $is_forwarded {
    default 0;
${[...new Set(["127.0.0.1", ...loadBalancers])].map((address) => `    ${address} 1;`).join("\n")}
}

map $is_forwarded$http_x_forwarded_proto $app_proto {
    default http;
    1https  https;
}

map $app_proto $app_https {
    default "";
    https   on;
}

map $is_forwarded $app_host {
    default $http_host;
    1       $http_x_forwarded_host;
}

map $is_forwarded $app_port {
    default $server_port;
    1       $http_x_forwarded_port;
}

map $is_forwarded$http_x_request_id $app_request_id {
    default   $request_id;
    "~^1(.+)" $1;
}

# As it was asked for, encoded. What a browser would take for another site (\`//example.com/..\`) is not repeated.
map $request_uri $asked_path {
    default                $uri;
    "~^(/[^/\\x5c?][^?]*)" $1;
}

# Only these methods are for files; all others are the application's.
map $request_method $file {
    default /.none;
    GET     $uri;
    HEAD    $uri;
}

${renderCacheMap("static_cache", application)}${renderPathMaps("app", domain, application)}
# Nobody was reached: the load balancer may ask another server, whatever the method.
map $upstream_connect_time $is_reached {
    default 1;
    "-"     0;
    ""      0;
}

${renderServer(config, {
  ...{ label: "app", cache: "static_cache", listen: "default_server" },
  ...{ names: [domain], domain, application },
})}`;
}

/** A further application, whose file stands beside that of `renderNginx`. */
export function renderNginxSite(
  config: Omit<NginxConfig, "application" | "domain" | "sites">,
  site: NginxSite,
): string {
  const { name, domains, application } = site;
  const [domain = ""] = domains;
  const label = `app_${name.replaceAll("-", "_")}`;
  const cache = `${label}_static_cache`;
  return `${head}

${renderUpstreams(label, application)}
${renderCacheMap(cache, application)}${renderPathMaps(label, domain, application)}
${renderServer(config, { label, names: namesOf(site), domain, application, cache })}`;
}

/** Who has paths of a site is asked for by another name. */
function namesOf({ name, domains, application }: NginxSite): readonly string[] {
  return hasPaths(application) ? [nameInside(name)] : domains;
}

function hasPaths({ paths = [] }: NginxApplication): boolean {
  return paths.length > 0;
}

/** What visitors ask for, where an application has paths of a site: its name, and files and scripts without those paths. */
function renderPathMaps(label: string, domain: string, application: NginxApplication): string {
  const { paths = [], fastCgi } = application;
  if (!hasPaths(application)) return "";
  const below = `    default /.none;
    "~^${basePattern(paths)}(/.*)?$" $1;`;
  return `
map $is_forwarded$http_x_forwarded_host $${label}_asked_host {
    default   ${domain};
    "~^1(.+)" $1;
}

map $file $${label}_asked_file {
${below}
}
${
  fastCgi
    ? `
map $uri $${label}_asked_path {
${below}
}

map $uri $${label}_asked_base {
    default "";
    "~^(${basePattern(paths)})(/|$)" $1;
}
`
    : ""
}`;
}

/** The variables of a server: of one that has paths of a site, those of `renderPathMaps`. */
function variablesOf(label: string, application: NginxApplication) {
  const own = hasPaths(application) ? label : undefined;
  return {
    host: own === undefined ? "$http_host" : `$${own}_asked_host`,
    file: own === undefined ? "file" : `${own}_asked_file`,
    path: own === undefined ? "$uri" : `$${own}_asked_path`,
    base: own === undefined ? "" : `$${own}_asked_base`,
  };
}

/** Nginx looks a name up in buckets of 64 bytes unless it is told otherwise, and refuses one that does not fit. */
function renderHashSize(names: readonly string[]): string {
  if (names.length === 1 || names.every(({ length }) => length <= 40)) return "";
  return "\n# Names of servers may be long.\nserver_names_hash_bucket_size 512;\n";
}

/** `label` begins the names that an application has in Nginx. */
function renderUpstreams(label: string, { port, fastCgi, drainFile }: NginxApplication): string {
  const server = fastCgi ? `unix:${fastCgi.socket}` : `127.0.0.1:${port}`;
  return `# For GET and HEAD. An idle connection is closed here before an application would do it, so that none is closed just as a
# request is sent on it.
upstream ${label}_reads {
    server ${server} max_fails=0;
    keepalive 32;
    keepalive_timeout 1s;
}

# A connection per request: what is not idempotent could not be sent again, should the application end.
upstream ${label}_writes {
    server ${server} max_fails=0;
    keepalive_requests 1;
}

map $request_method $${label}_upstream {
    default ${label}_writes;
    GET     ${label}_reads;
    HEAD    ${label}_reads;
}

# Health checks alone are told of a drain: visitors, who come over a load balancer, may ask for the same path.
map $http_x_forwarded_for $${label}_drain {
    default /.none;
    ""      ${drainFile};
}
`;
}

interface Server {
  readonly label: string;
  readonly listen?: "default_server";
  /** By which it is asked for. */
  readonly names: readonly string[];
  /** As visitors have it. */
  readonly domain: string;
  readonly application: NginxApplication;
  /** The variable that says how long a file may be kept. */
  readonly cache: string;
}

function renderServer(
  config: Pick<
    NginxConfig,
    | ("hostName" | "port" | "tlsPort" | "loadBalancers" | "rawLines")
    | ("uploadLimitMegabytes" | "responseTimeoutSeconds")
  >,
  { label, listen, names, domain, application, cache }: Server,
): string {
  const { hostName, port, tlsPort, loadBalancers } = config;
  const { publicFolder, otherPublicFolders, accessLog, fastCgi, paths = [] } = application;
  const { host, file, path, base } = variablesOf(label, application);
  const site = hasPaths(application) ? { domain, host } : undefined;
  const pattern = site ? basePattern(paths) : "";
  return `server {
    listen ${port}${listen ? ` ${listen}` : ""};
${tlsPort === undefined ? "" : renderTls(tlsPort, listen)}    server_name ${names.join(" ")};
    root ${publicFolder};

${loadBalancers.map((address) => `    set_real_ip_from ${address};`).join("\n")}
    real_ip_header X-Forwarded-For;

    access_log ${accessLog} trilithon_json;
    server_tokens off;
    absolute_redirect off;
    # No location below has headers of its own, which would hide these and those of further lines.
    add_header X-Served-By ${hostName} always;
    add_header Cache-Control $${cache};

    gzip on;
    gzip_vary on;
    # Behind a proxy Nginx does not compress otherwise.
    gzip_proxied any;
    gzip_min_length 1024;
    gzip_types text/plain text/css text/javascript application/javascript application/json application/xml image/svg+xml;
    # app.js.gz is sent for app.js to who takes it.
    gzip_static on;

    # The load balancer ends idle connections itself.
    keepalive_timeout 1h;
    keepalive_requests 100000;
    large_client_header_buffers 8 32k;
    client_max_body_size ${config.uploadLimitMegabytes}m;
    client_header_timeout 10s;
    client_body_timeout 15s;
    send_timeout 30s;

    proxy_http_version 1.1;
    proxy_set_header Host ${host};
    proxy_set_header Connection $app_connection;
    proxy_set_header Upgrade $app_upgrade;
    proxy_set_header X-Forwarded-For $remote_addr;
    proxy_set_header X-Forwarded-Proto $app_proto;
    proxy_set_header X-Forwarded-Host $app_host;
    proxy_set_header X-Forwarded-Port $app_port;
    proxy_set_header X-Request-ID $app_request_id;
    # What a client says of itself in these is not to be believed.
${[...forwardingHeaders, ...otherForwardedHeaders].map((name) => `    proxy_set_header ${name} "";`).join("\n")}
    proxy_connect_timeout 2s;
    proxy_read_timeout ${config.responseTimeoutSeconds}s;
    proxy_send_timeout ${config.responseTimeoutSeconds}s;
    # What the application was asked once is never asked again.
    proxy_next_upstream off;
    # Events and streams flow as they are made.
    proxy_buffering off;
    proxy_buffer_size 32k;
    proxy_buffers 8 32k;
${fastCgi ? renderFastCgiServer(config.responseTimeoutSeconds, site) : ""}    error_page 502 = @bad_gateway;
    error_page 504 = @gateway_timeout;

    # Asked by the load balancer: the application's own health, and 404 while this host is drained.
${renderHealth(label, application)}
${application.healthPath === webHealthPath ? "" : `${renderOwnHealth(label, application)}\n`}    location = ${webStatusPath} {
        allow 127.0.0.1;
        deny all;
        access_log off;
        stub_status;
    }

    location / {
        # As the application's folders lie apart, their files are looked for from the top.
        root /;
        if (-f ${publicFolder}$${file}/index.html) {
            return 301 $asked_path/$is_args$args;
        }
        try_files ${[publicFolder, ...otherPublicFolders].map((folder) => `${folder}$${file}`).join(" ")} @$app_location;
    }

${fastCgi ? renderEntryScripts(fastCgi, `$${label}_upstream`, { pattern, base, path }) : ""}    location ~ /$ {
        root /;
        try_files ${publicFolder}\${${file}}index.html @$app_location;
    }

${application.writtenPaths.map((path) => renderWritten(path, application, file)).join("")}    # A name with a dot before it hides a file, and a source is never sent as text: the application is asked.
    location ~ /\\.(?!well-known/) {
        try_files /.none @$app_location;
    }

    location ~* ${sourceNames} {
        try_files /.none @$app_location;
    }

    location @app {
        ${renderPass(`$${label}_upstream`, fastCgi, base)}
    }

    location @websocket {
        proxy_read_timeout 1h;
        proxy_send_timeout 1h;
        ${renderPass(`${label}_writes`, fastCgi, base)}
    }

    location @bad_gateway {
        if ($is_reached = 0) {
            return 425;
        }
        return 502;
    }

    location @gateway_timeout {
        if ($is_reached = 0) {
            return 425;
        }
        return 504;
    }
${config.rawLines.map((line) => `    ${line}\n`).join("")}}
`;
}

/** For load balancers, which resume sessions: all of them speak TLS 1.3. */
function renderTls(port: number, listen: Server["listen"]): string {
  return `    listen ${port} ssl${listen ? ` ${listen}` : ""};
    ssl_certificate ${nginxFiles.certificate};
    ssl_certificate_key ${nginxFiles.privateKey};
    ssl_protocols TLSv1.3;
`;
}

export const nginxFiles = {
  site: "/etc/nginx/conf.d/trilithon.conf",
  /** Of a further application. Nginx reads them by their names' bytes: this one has to come after `site`, which has the log's format. */
  siteOf: (name: string) => `/etc/nginx/conf.d/trilithon_${name}.conf`,
  accessLogOf: (name: string) => `/var/log/nginx/trilithon-${name}.access.log`,
  /** Followed by those that lead to the authority which is trusted. */
  certificate: "/etc/nginx/trilithon/server.pem",
  privateKey: "/etc/nginx/trilithon/server-key.pem",
  unit: "/etc/systemd/system/nginx.service.d/trilithon.conf",
  accessLog: "/var/log/nginx/trilithon.access.log",
};

/** What is written there is a file and no program, whatever it is called; and what is deleted there is gone, though a version may bring it. */
function renderWritten(
  path: string,
  { publicFolder, paths = [] }: NginxApplication,
  file: string,
): string {
  const [, below] = splitPath(path, paths);
  return `    location ^~ ${path}/ {
        root /;
        # A link of the application's leads to files of its own only.
        disable_symlinks if_not_owner from=${publicFolder}${below};
        location ~* (/$|/\\.(?!well-known/)|${sourceNames}) {
            try_files /.none @$app_location;
        }
        try_files ${publicFolder}$${file} @$app_location;
    }

`;
}

function renderPass(upstream: string, fastCgi: FastCgi | undefined, base: string): string {
  return fastCgi ? renderFastCgiPass(upstream, { base }) : `proxy_pass http://${upstream};`;
}

function renderHealth(label: string, application: NginxApplication) {
  const { healthPath, drainFile, fastCgi } = application;
  const asked = fastCgi
    ? askedOverFastCgi(`${label}_reads`, application, fastCgi)
    : `rewrite ^ ${healthPath} break;
        proxy_pass http://${label}_reads;`;
  return `    location = ${webHealthPath} {
        if (-e ${drainFile}) {
            return 404;
        }
        access_log off;
        ${asked}
    }
`;
}

/** The application's own path, which may be one that visitors use: `/`, or the page where they log in. */
function renderOwnHealth(label: string, application: NginxApplication) {
  const { healthPath, accessLog, fastCgi } = application;
  const upstream = `$${label}_upstream`;
  const asked = fastCgi
    ? askedOverFastCgi(upstream, application, fastCgi)
    : `proxy_pass http://${upstream};`;
  return `    location = ${healthPath} {
        if (-e $${label}_drain) {
            return 404;
        }
        access_log ${accessLog} trilithon_json if=$http_x_forwarded_for;
        ${asked}
    }
`;
}

function askedOverFastCgi(
  upstream: string,
  { healthPath, paths = [] }: NginxApplication,
  fastCgi: FastCgi,
): string {
  const [base, below] = splitPath(healthPath, paths);
  const script = scriptFor(below, fastCgi);
  return renderFastCgiPass(upstream, { script, base, asked: `${healthPath}$is_args$args` });
}
