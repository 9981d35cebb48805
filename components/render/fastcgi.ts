/** How Nginx asks an application over FastCGI. */
import { forwardingHeaders, otherForwardedHeaders } from "./forwarding-headers";

export interface FastCgi {
  /** The path of a unix socket. */
  readonly socket: string;
  /** Scripts below the public folder that are run beside the front controller, `*` for any name: `wp-admin/*.php`. */
  readonly entryScripts: readonly string[];
}

/** Below the public folder: what is run for each request that nothing else is for. */
export const frontController = "/index.php";

/** The script that is run for a path. */
export function scriptFor(path: string, { entryScripts }: Pick<FastCgi, "entryScripts">): string {
  return entryScripts.some((pattern) => new RegExp(`^/${matching(pattern)}$`).test(path))
    ? path
    : frontController;
}

/** Passes a request on, in a location. `asked` is what the client asked for. */
export function renderFastCgiPass(
  upstream: string,
  { script = frontController, asked = "$request_uri", base = "" } = {},
): string {
  return `set $app_script ${script};
        set $app_asked ${asked};
${base === "" ? "" : `        set $app_base ${base};\n`}        fastcgi_pass ${upstream};`;
}

/** What holds for the whole server. */
export function renderFastCgiServer(
  responseTimeoutSeconds: number,
  /** Where it has paths of a site: its host's name, and the variable that has what visitors ask for. */
  site?: { readonly domain: string; readonly host: string },
): string {
  const none = [...forwardingHeaders, ...otherForwardedHeaders].map(variableOf);
  return `
    # As paths without links: a release is seen at once, whatever PHP keeps of a path.
    fastcgi_param DOCUMENT_ROOT $realpath_root;
    fastcgi_param SCRIPT_FILENAME $realpath_root$app_script;
    fastcgi_param SCRIPT_NAME ${site ? "$app_base" : ""}$app_script;
    fastcgi_param DOCUMENT_URI $app_script;
    fastcgi_param REQUEST_URI $app_asked;
    fastcgi_param QUERY_STRING $query_string;
    fastcgi_param REQUEST_METHOD $request_method;
    fastcgi_param CONTENT_TYPE $content_type;
    fastcgi_param CONTENT_LENGTH $content_length;
    fastcgi_param GATEWAY_INTERFACE CGI/1.1;
    fastcgi_param SERVER_SOFTWARE nginx;
    fastcgi_param SERVER_PROTOCOL $server_protocol;
    fastcgi_param SERVER_NAME ${site ? site.domain : "$host"};
    fastcgi_param SERVER_ADDR $server_addr;
    fastcgi_param SERVER_PORT $app_port;
    fastcgi_param REMOTE_ADDR $remote_addr;
    fastcgi_param REMOTE_PORT $remote_port;
    fastcgi_param REQUEST_SCHEME $app_proto;
    fastcgi_param HTTPS $app_https if_not_empty;
    # PHP as a CGI refuses to run without it.
    fastcgi_param REDIRECT_STATUS 200;
    fastcgi_param HTTP_X_FORWARDED_FOR $remote_addr;
    fastcgi_param HTTP_X_FORWARDED_PROTO $app_proto;
    fastcgi_param HTTP_X_FORWARDED_HOST $app_host;
    fastcgi_param HTTP_X_FORWARDED_PORT $app_port;
    fastcgi_param HTTP_X_REQUEST_ID $app_request_id;
${site ? `    fastcgi_param HTTP_HOST ${site.host};\n` : ""}    # What a client says of itself in these is not to be believed.
${none.map((name) => `    fastcgi_param ${name} "" if_not_empty;`).join("\n")}
    fastcgi_connect_timeout 2s;
    fastcgi_read_timeout ${responseTimeoutSeconds}s;
    fastcgi_send_timeout ${responseTimeoutSeconds}s;
    fastcgi_next_upstream off;
    # An answer is taken at once, so that no process waits for a slow visitor. \`X-Accel-Buffering: no\` lets it flow as it is made.
    fastcgi_buffer_size 32k;
    fastcgi_buffers 8 32k;
`;
}

/** The locations of the entry scripts. A script that is not there is the front controller's. */
export function renderEntryScripts(
  { entryScripts }: FastCgi,
  upstream: string,
  /** A regular expression and a variable for what stands before the path of a script, and one for that path. */
  {
    pattern,
    base,
    path,
  }: { readonly pattern: string; readonly base: string; readonly path: string },
): string {
  if (entryScripts.length === 0) return "";
  const folders = entryScripts
    .map((pattern) => pattern.split("/"))
    .filter((parts) => parts.length > 1 && isIndex(parts.at(-1) ?? ""))
    .map((parts) => matching(parts.slice(0, -1).join("/")));
  return `
    # Scripts that are run as they are asked for.
    location ~ ^${pattern}/(${entryScripts.map(matching).join("|")})$ {
        try_files ${path} @app;
        ${renderFastCgiPass(upstream, { script: path, base })}
    }
${
  folders.length === 0
    ? ""
    : `
    location ~ ^${pattern}/(${[...new Set(folders)].join("|")})/$ {
        rewrite ^(.*)$ $1index.php last;
    }
`
}`;
}

/** A regular expression: `*` is any name in a folder that is not hidden. */
function matching(pattern: string): string {
  return pattern
    .replaceAll(".", "\\.")
    .replaceAll(/(?<=^|\/)\*/g, "(?!\\.)*")
    .replaceAll("*", "[^/]*");
}

function isIndex(pattern: string): boolean {
  return new RegExp(`^${matching(pattern)}$`).test("index.php");
}

/** `HTTP_X_REAL_IP` */
function variableOf(header: string): string {
  return `HTTP_${header.toUpperCase().replaceAll("-", "_")}`;
}
