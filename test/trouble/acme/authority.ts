/**
 * pebble on a host of its own: an authority that speaks ACME. HAProxy stands before it, so that it can be away, refuse, or be led to
 * somebody else who answers.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Certified, makeAuthority, makeCertificate } from "../../../provider/certificates";
import { must } from "../../../scripts/setup/run";
import { request } from "../../../scripts/verify/http";
import { makePem, readIssuer } from "../../support/pem";
import { until } from "../until";

export interface AuthorityArgs {
  readonly stack: string;
  /** Of the stack's network. */
  readonly address: string;
  /** What else is installed there. */
  readonly packages?: readonly string[];
}

export interface PebbleOptions {
  /** How long a certificate is good for. */
  readonly lifeSeconds: number;
  /** Who tells where names lead to. Default: all names lead to what `lead` says. */
  readonly nameServer?: string;
}

const front = `global
    maxconn 200
    stats socket ipv4@0.0.0.0:9999 level admin
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
frontend acme
    bind :14000 ssl crt /root/front.pem
    tcp-request connection reject if { str(mode),map(/root/modes) -m str away }
    http-request return status 429 content-type application/problem+json hdr Retry-After 2 file /root/limited.json if { path /order-plz } { str(mode),map(/root/modes) -m str limited }
    default_backend pebble
backend pebble
    server pebble 127.0.0.1:14001 ssl verify none
frontend somebody-else
    bind :80
    http-request return status 200 content-type text/plain string "of somebody else"
`;

export class Authority {
  /** PEM: whom to trust for the directory. */
  readonly directoryCa: string;
  readonly directory: string;

  private constructor(
    private readonly args: AuthorityArgs,
    private readonly own: Certified,
  ) {
    this.directoryCa = own.certificate;
    this.directory = `https://${args.address}:14000/dir`;
  }

  /** Waits for the stack's network. */
  static async make(args: AuthorityArgs): Promise<Authority> {
    const { stack, address, packages = [] } = args;
    const authority = new Authority(args, await makeAuthority("pebble"));
    const network = `trilithon-${stack}`;
    await until("its network", () => must(network, "docker", ["network", "inspect", network]), 300);
    await must("pebble", "docker", [
      ...["run", "--detach", "--name", authority.#container, "--label", `trilithon.stack=${stack}`],
      ...["--network", network, "--ip", address, "--memory", "512m"],
      ...["trilithon-host:latest", "sleep", "infinity"],
    ]);
    const all = ["pebble", "haproxy", ...packages].join(" ");
    await authority.inside(
      `apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends ${all}`,
    );
    await authority.#prepare();
    return authority;
  }

  get #container(): string {
    return `trilithon-${this.args.stack}-pebble`;
  }

  inside(script: string): Promise<string> {
    return must("pebble", "docker", ["exec", this.#container, "sh", "-c", script]);
  }

  /** It goes on by itself. */
  async start(command: string): Promise<void> {
    await must("pebble", "docker", [
      ...["exec", "--detach", this.#container, "sh", "-c", `${command} >>/root/log 2>&1`],
    ]);
  }

  async put(files: Readonly<Record<string, string>>): Promise<void> {
    const folder = await mkdtemp(join(tmpdir(), "trilithon-acme-"));
    for (const [name, text] of Object.entries(files)) {
      await writeFile(join(folder, name), text);
      await must(name, "docker", ["cp", join(folder, name), `${this.#container}:/root/${name}`]);
    }
    await rm(folder, { recursive: true });
  }

  async #prepare(): Promise<void> {
    const { address } = this.args;
    const request = { name: "acme", addresses: [address], authority: this.own };
    const { certificate, privateKey } = await makeCertificate(request);
    const refusal = { type: "urn:ietf:params:acme:error:rateLimited", status: 429 };
    const detail = "too many certificates already issued";
    await this.put({
      ...{ "own.pem": certificate, "own.key": privateKey, "front.pem": certificate + privateKey },
      ...{ "front.cfg": front, modes: "mode pass\n" },
      "limited.json": JSON.stringify({ ...refusal, detail }),
    });
    await this.start(
      "pebble-challtestsrv -http01 '' -https01 '' -tlsalpn01 '' -doh '' -defaultIPv6 '' -dnsserver 127.0.0.1:8053 -management :8055",
    );
    await this.start("haproxy -db -f /root/front.cfg");
    await until("its front", () => this.answer("pass"));
  }

  /** Answers its root, which is another one each time: it knows nothing of what was before. */
  async run({ lifeSeconds, nameServer = "127.0.0.1:8053" }: PebbleOptions): Promise<string> {
    const pebble = {
      ...{ listenAddress: "0.0.0.0:14001", managementListenAddress: "0.0.0.0:15000" },
      ...{ certificate: "/root/own.pem", privateKey: "/root/own.key", httpPort: 80, tlsPort: 443 },
      profiles: { default: { description: "the only one", validityPeriod: lifeSeconds } },
    };
    await this.put({ "pebble.json": JSON.stringify({ pebble }) });
    // An authorization that is used again asks nobody.
    const environment = "PEBBLE_VA_NOSLEEP=1 PEBBLE_AUTHZREUSE=0 PEBBLE_WFE_NONCEREJECT=15";
    await this.start(`${environment} pebble -config /root/pebble.json -dnsserver ${nameServer}`);
    return until("its root", () => this.#ask("roots/0"));
  }

  async stop(): Promise<void> {
    await this.inside("pkill -x pebble");
    await until("its end", () => this.inside("! pgrep -x pebble"));
  }

  /** Where all names lead to. */
  async lead(ip: string): Promise<void> {
    const url = `http://${this.args.address}:8055/set-default-ipv4`;
    await request({ url, method: "POST", body: JSON.stringify({ ip }) });
  }

  /** `away`: connections end at once. `limited`: no certificate is given any more. */
  answer(mode: "pass" | "away" | "limited"): Promise<true> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: this.args.address, port: 9999 });
      socket.setTimeout(5000, () => socket.destroy(new Error("HAProxy does not answer")));
      socket.once("error", reject).once("close", () => resolve(true));
      socket.resume().end(`set map /root/modes mode ${mode}\n`);
    });
  }

  /** A certificate as it gave it long ago, with its issuer's and its key: it ends in some days. */
  async giveOld(name: string): Promise<string> {
    const [certificate, key] = [
      await this.#ask("intermediates/0"),
      await this.#ask("intermediate-keys/0"),
    ];
    const issuer = await readIssuer({ certificate, key });
    const old = await makePem({ names: [name], from: -80, to: 10, issuer });
    return `${old.certificate}${certificate}${old.key}`;
  }

  async #ask(path: string): Promise<string> {
    const url = `https://${this.args.address}:15000/${path}`;
    const { status, body } = await request({ url, trust: { name: "", ca: this.directoryCa } });
    if (status !== 200) throw new Error(`${url}: status ${status}`);
    return body;
  }
}
