/**
 * HAProxy, two Nginx and an application behind each, with the configurations as they are rendered, in one container and
 * without systemd: for what becomes of requests, answers and connections on their way.
 */
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { request as httpRequest, type IncomingHttpHeaders, type IncomingMessage } from "node:http";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { text } from "node:stream/consumers";
import { renderHaproxy, renderUnavailable } from "../../../components/render/haproxy";
import { haproxyFiles } from "../../../components/render/haproxy-files";
import {
  nginxFiles,
  renderNginx,
  renderNginxSite,
  webHealthPath,
} from "../../../components/render/nginx";
import { makeAuthority, makeCertificate } from "../../../provider/certificates";
import { removeLabelled } from "../../../scripts/setup/labelled";
import { capture, must } from "../../../scripts/setup/run";

const stack = `${process.env.TRILITHON_TEST_PREFIX ?? ""}web-path`;
const domain = "www.foobar.com";
/** Another one with the packages installed saves the time that installing them takes. */
const image = process.env.TRILITHON_HOST_IMAGE ?? "trilithon-host:latest";

export const webHosts = [
  { name: "web-01", port: 8081, tlsPort: 4441, applicationPort: 3001 },
  { name: "web-02", port: 8082, tlsPort: 4442, applicationPort: 3002 },
] as const;
export type WebHost = (typeof webHosts)[number];

/** A further application, behind the first Nginx alone. */
export const furtherHost = {
  name: "shop",
  domain: "shop.foobar.com",
  applicationPort: 3003,
} as const;

/** One that has a path of the site, behind the first Nginx alone as well. */
export const partHost = { name: "cart", base: "/basket", applicationPort: 3004 } as const;

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Request {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Buffer;
}

export interface WebPathOptions {
  readonly trustedProxies?: readonly string[];
  /** Lines for Nginx. */
  readonly rawLines?: readonly string[];
  readonly immutablePaths?: readonly string[];
  /** Folders below `public` and `former/public` to files. */
  readonly files?: Readonly<Record<string, string>>;
}

export class WebPath {
  private constructor(
    /** Of the load balancer, on 127.0.0.1. */
    readonly port: number,
    /** Of the first Nginx, past the load balancer. */
    readonly directPort: number,
  ) {}

  static async start(options: WebPathOptions = {}): Promise<WebPath> {
    await removeLabelled(stack);
    await must(container, "docker", [
      ...["run", "--detach", "--name", container, "--label", `trilithon.stack=${stack}`],
      ...["--publish", "127.0.0.1::80", "--publish", `127.0.0.1::${webHosts[0].port}`],
      ...["--entrypoint", "sleep", image, "infinity"],
    ]);
    await inside(`command -v haproxy nginx node socat >/dev/null && [ "$(command -v haproxy nginx node socat | wc -l)" = 4 ] || {
  printf '#!/bin/sh\\nexit 101\\n' >/usr/sbin/policy-rc.d && chmod +x /usr/sbin/policy-rc.d
  apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install haproxy nginx nodejs socat >/dev/null
}`);
    await putFiles({ ...filesOf(options), ...(await certificateFiles()) });
    await inside(`mkdir -p /run/haproxy /var/lib/haproxy && chmod -R a+rX /srv
for name in ${webHosts.map(({ name }) => name).join(" ")}; do nginx -q -c /etc/$name.conf; done
haproxy -W -D -f /etc/haproxy/haproxy.cfg -p /run/haproxy.pid`);
    for (const host of [...webHosts, furtherHost, partHost]) {
      const base = host === partHost ? `BASE=${host.base} ` : "";
      const run = `while :; do [ -e /run/${host.name}.off ] || ${base}HOST_NAME=${host.name} PORT=${host.applicationPort} ASKED=/tmp/asked node /srv/server.mjs; sleep 0.2; done`;
      await must(container, "docker", ["exec", "--detach", container, "sh", "-c", run]);
    }
    const path = new WebPath(await publishedPort(80), await publishedPort(webHosts[0].port));
    await path.isUp();
    return path;
  }

  /** Both servers and the further application answer, for long enough that the load balancer has found it too. */
  async isUp(): Promise<void> {
    await inside(`n=0; until
  perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new("127.0.0.1:8404") or exit 1; print $s "GET /;csv HTTP/1.0\\r\\n\\r\\n"; $n = grep { /^(?:shop_|cart_)?web_servers,web-0.,.*,UP,/ } <$s>; exit($n == 4 ? 0 : 1)'; do
  n=$((n + 1)); [ "$n" -lt 150 ] || { tail /var/log/nginx/*.log; exit 1; }; sleep 0.2
done`);
  }

  send(path: string, { method = "GET", headers = {}, body }: Request = {}, port = this.port) {
    return new Promise<Answer>((resolve, reject) => {
      const all = { host: domain, ...headers };
      const call = httpRequest({
        host: "127.0.0.1",
        port,
        path,
        method,
        headers: all,
        agent: false,
        maxHeaderSize: 65_536,
      });
      call.on("error", reject);
      call.on("response", (response) => {
        text(response).then(
          (body) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
          reject,
        );
      });
      call.end(body);
    });
  }

  /** A stream of the probe's, which sends each part once the one before is here. */
  async inTurns(path: string): Promise<string> {
    const call = httpRequest({
      ...{ host: "127.0.0.1", port: this.port, path, headers: { host: domain } },
    });
    const came = once(call, "response");
    call.end();
    const [response] = (await came) as [IncomingMessage];
    let body = "";
    let parts = 0;
    for await (const part of response) {
      body += part;
      parts += 1;
      await this.send(`/seen?parts=${parts}`);
    }
    return body;
  }

  /** What the applications were asked since the last call: `web-01 GET /path`. */
  async asked(): Promise<readonly string[]> {
    const { stdout } = await capture("docker", [
      ...["exec", container, "sh", "-c", "cat /tmp/asked 2>/dev/null; rm -f /tmp/asked"],
    ]);
    return stdout.split("\n").filter((line) => line !== "");
  }

  inside(script: string): Promise<string> {
    return inside(script);
  }

  /** Opened through the load balancer. Each byte comes back. */
  async webSocket(): Promise<Socket> {
    const socket = connect(this.port, "127.0.0.1");
    socket.write(
      `GET /socket HTTP/1.1\r\nHost: ${domain}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
    );
    const answer = await new Promise<string>((resolve, reject) => {
      socket.once("data", (data) => resolve(String(data)));
      socket.once("error", reject);
    });
    if (!answer.startsWith("HTTP/1.1 101 ")) throw new Error(answer);
    return socket;
  }

  /** Renders the load balancer's configuration anew, and reloads it. */
  async reconfigure(options: WebPathOptions): Promise<void> {
    await putFiles({ "/etc/haproxy/haproxy.cfg": haproxyOf(options) });
    await inside("kill -USR2 $(cat /run/haproxy.pid); sleep 1");
    await this.isUp();
  }

  /** Renders the web servers' configurations anew, and reloads them. */
  async reconfigureSites(options: WebPathOptions): Promise<void> {
    await putFiles(filesOf(options));
    const reload = webHosts.map(({ name }) => `nginx -q -s reload -c /etc/${name}.conf`);
    await inside(`${reload.join("\n")}\nsleep 1`);
    await this.isUp();
  }

  async remove(): Promise<void> {
    await removeLabelled(stack);
  }
}

/** Whether a byte that is sent comes back. */
export function echoes(socket: Socket): Promise<boolean> {
  return new Promise((resolve) => {
    if (socket.destroyed || socket.readableEnded) resolve(false);
    socket.once("data", () => resolve(true));
    socket.once("close", () => resolve(false));
    socket.once("end", () => resolve(false));
    socket.write("x");
  });
}

const container = `trilithon-${stack}`;

function haproxyOf({ trustedProxies = [] }: WebPathOptions): string {
  return renderHaproxy({
    domain,
    address: "127.0.0.1",
    port: 80,
    statsPort: 8404,
    healthPath: webHealthPath,
    responseTimeoutSeconds: 65,
    servers: webHosts.map(serverOf),
    sharedPaths: ["/uploads"],
    applications: [
      {
        name: furtherHost.name,
        domains: [furtherHost.domain, `www.${furtherHost.domain}`],
        servers: [serverOf(webHosts[0])],
      },
      {
        ...{ name: partHost.name, domains: [domain], paths: [partHost.base] },
        servers: [serverOf(webHosts[0])],
      },
    ],
    trustedProxies,
    rawLines: {},
  });
}

/** As on another host. */
function serverOf({ name, tlsPort }: WebHost) {
  return { name, address: "127.0.0.1", port: tlsPort, isTls: true };
}

/** One certificate for both. */
async function certificateFiles(): Promise<Readonly<Record<string, string>>> {
  const authority = await makeAuthority("web authority");
  const addresses = webHosts.map(({ name }) => name);
  const own = await makeCertificate({ name: "web servers", addresses, authority });
  return {
    [haproxyFiles.authorities]: authority.certificate,
    [nginxFiles.certificate]: own.certificate,
    [nginxFiles.privateKey]: own.privateKey,
  };
}

function filesOf(options: WebPathOptions) {
  const { rawLines = [], files = {} } = options;
  const sites = webHosts.flatMap((host) => {
    const { name, port, tlsPort } = host;
    const further = {
      ...{ name: furtherHost.name, domains: [furtherHost.domain, `www.${furtherHost.domain}`] },
      application: applicationOf(furtherHost, "/srv/shop"),
    };
    const part = {
      ...{ name: partHost.name, domains: [domain] },
      application: {
        ...applicationOf(partHost, "/srv/cart"),
        ...{ paths: [partHost.base], healthPath: `${partHost.base}/healthz` },
        writtenPaths: [`${partHost.base}/uploads`],
        immutablePaths: ["/basket/assets/*"],
      },
    };
    const config = {
      ...{ domain, hostName: name, port, tlsPort, loadBalancers: ["127.0.0.1"], rawLines },
      application: { ...applicationOf(host, "/srv"), immutablePaths: options.immutablePaths },
      sites: host === webHosts[0] ? [further, part] : [],
      ...{ uploadLimitMegabytes: 10, responseTimeoutSeconds: 60 },
    };
    const inFolder = (path: string) => path.replace("/etc/nginx/conf.d", `/etc/${name}.conf.d`);
    return [
      [inFolder(nginxFiles.site), renderNginx(config)],
      ...config.sites.map((site) => [
        inFolder(nginxFiles.siteOf(site.name)),
        renderNginxSite(config, site),
      ]),
      [`/etc/${name}.conf`, renderMain(name)],
    ];
  });
  const published = Object.entries(files).map(([path, content]) => [`/srv/${path}`, content]);
  return {
    "/etc/haproxy/haproxy.cfg": haproxyOf(options),
    "/etc/haproxy/503.html": renderUnavailable(domain),
    "/etc/haproxy/503-shop.html": renderUnavailable(furtherHost.domain),
    "/etc/haproxy/503-cart.html": renderUnavailable(domain),
    ...Object.fromEntries([...sites, ...published]),
  };
}

function applicationOf(
  { name, applicationPort: port }: WebHost | typeof furtherHost | typeof partHost,
  folder: string,
) {
  return {
    ...{ port, healthPath: "/healthz", drainFile: `/run/${name}.drain` },
    ...{ publicFolder: `${folder}/public`, otherPublicFolders: [`${folder}/former/public`] },
    writtenPaths: ["/uploads"],
    accessLog: `/var/log/nginx/${name}.access.log`,
  };
}

/** As Debian's nginx.conf, once for each. */
function renderMain(name: string): string {
  return `user www-data;
worker_processes 1;
pid /run/${name}.pid;
error_log /var/log/nginx/error.log;
events { worker_connections 768; }
http {
    sendfile on;
    tcp_nopush on;
    types_hash_max_size 2048;
    include /etc/nginx/mime.types;
    default_type application/octet-stream;
    include /etc/${name}.conf.d/*.conf;
}
`;
}

async function putFiles(files: Readonly<Record<string, string>>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "trilithon-web-path-"));
  try {
    for (const [path, content] of Object.entries(files)) {
      await mkdir(join(folder, dirname(path)), { recursive: true });
      await writeFile(join(folder, path), content);
    }
    await must(container, "docker", ["cp", `${folder}/.`, `${container}:/`]);
    const server = join(__dirname, "probe/server.mjs");
    await must(container, "docker", ["cp", server, `${container}:/srv/server.mjs`]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function inside(script: string): Promise<string> {
  return must(container, "docker", ["exec", container, "sh", "-ec", script]);
}

async function publishedPort(port: number): Promise<number> {
  const published = await must(container, "docker", ["port", container, `${port}/tcp`]);
  return Number(published.trim().split("\n")[0]?.split(":").at(-1));
}
