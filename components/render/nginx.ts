/** The configuration of Nginx for one site. It leaves Debian's nginx.conf as it is. */

export interface NginxConfig {
  readonly domain: string;
  /** Told in the header X-Served-By. */
  readonly hostName: string;
  readonly port: number;
  /** Whose word on the client's address is taken. */
  readonly loadBalancers: readonly string[];
  readonly application: {
    readonly port: number;
    readonly healthPath: string;
    /** The folder of the files that need no application. */
    readonly publicFolder: string;
    /** While it exists the health check is answered with 404. */
    readonly drainFile: string;
  };
  readonly uploadLimitMegabytes: number;
  readonly responseTimeoutSeconds: number;
  /** Lines that end the server's block, as they are. */
  readonly rawLines: readonly string[];
}

export function renderNginx(config: NginxConfig): string {
  const { domain, hostName, port, loadBalancers, application } = config;
  return `# Written by trilithon: what is changed here by hand is taken back by the next \`pulumi up\`.

log_format trilithon_json escape=json
    '{"time":"$time_iso8601","client":"$remote_addr","method":"$request_method","host":"$host",'
    '"uri":"$request_uri","status":$status,"bytes":$bytes_sent,"seconds":$request_time,'
    '"upstream_status":"$upstream_status","upstream_seconds":"$upstream_response_time",'
    '"request_id":"$http_x_request_id","referer":"$http_referer","agent":"$http_user_agent"}';

upstream app_reads {
    server 127.0.0.1:${application.port} max_fails=0;
    keepalive 32;
}

# A connection per request: one that idles could be closed by the application just as a request is sent
# on it, and what is not idempotent could then not be sent again.
upstream app_writes {
    server 127.0.0.1:${application.port} max_fails=0;
    keepalive_requests 1;
}

map $request_method $app_upstream {
    default app_writes;
    GET     app_reads;
    HEAD    app_reads;
}

map $request_method $app_keepalive {
    default close;
    GET     "";
    HEAD    "";
}

map $http_upgrade $app_connection {
    default upgrade;
    ""      $app_keepalive;
}

# A file with its content's hash in its name never changes.
map $uri $static_cache {
    default                                        "public, max-age=300";
    "~-[A-Z0-9]{8}[.][a-z0-9]+$"                   "public, max-age=31536000, immutable";
}

server {
    listen ${port} default_server;
    server_name ${domain};
    root ${application.publicFolder};

${loadBalancers.map((address) => `    set_real_ip_from ${address};`).join("\n")}
    real_ip_header X-Forwarded-For;

    access_log /var/log/nginx/trilithon.access.log trilithon_json;
    server_tokens off;
    # A header set in a location hides those of its server: hence its repetition below.
    add_header X-Served-By ${hostName} always;

    gzip on;
    gzip_vary on;
    # Behind a proxy Nginx does not compress otherwise.
    gzip_proxied any;
    gzip_min_length 1024;
    gzip_types text/plain text/css text/javascript application/javascript application/json application/xml image/svg+xml;

    client_max_body_size ${config.uploadLimitMegabytes}m;
    client_header_timeout 10s;
    client_body_timeout 15s;
    send_timeout 30s;

    proxy_http_version 1.1;
    proxy_set_header Host $http_host;
    proxy_set_header Connection $app_connection;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header X-Forwarded-For $remote_addr;
    proxy_set_header X-Forwarded-Proto $http_x_forwarded_proto;
    proxy_connect_timeout 2s;
    proxy_read_timeout ${config.responseTimeoutSeconds}s;
    proxy_send_timeout ${config.responseTimeoutSeconds}s;

    location = ${application.healthPath} {
        if (-e ${application.drainFile}) {
            return 404;
        }
        access_log off;
        proxy_pass http://app_reads;
    }

    location / {
        try_files $uri @app;
        add_header Cache-Control $static_cache;
        add_header X-Served-By ${hostName} always;
    }

    location @app {
        proxy_pass http://$app_upstream;
    }

    location ~ /\\.(?!well-known/) {
        return 404;
    }
${config.rawLines.map((line) => `    ${line}\n`).join("")}}
`;
}
