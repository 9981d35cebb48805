/**
 * Real MySQL servers, with the stack's own configuration file, all in one container: each has an address of its own there.
 * The plugin's scripts run for real. What systemd does on a host, a few lines of shell do here.
 */

import { spawn } from "node:child_process";
import { renderMysql } from "../../components/render/mysql";
import { renderRejoinScript } from "../../components/render/mysql-rejoin";
import { renderRoleCheckScript, roleCheck } from "../../components/render/mysql-role";
import { type Certified, makeAuthority, makeCertificate } from "../../provider/certificates";
import { HostUnreachable } from "../../provider/errors";
import type { Context } from "../../provider/kind";

export interface Server {
  readonly name: string;
  readonly address: string;
  /** MySQL takes an address of the same machine and port for its own. */
  readonly port: number;
}

/** Runs `mysqld` again when it is killed or has asked for it, as the unit's `Restart=` has it. */
const supervisor = `#!/bin/sh
cd "/lab/$1"
export MYSQLD_PARENT_PID=$$
while [ ! -e stopped ]; do
  mysqld --defaults-file=cnf >/dev/null 2>&1 </dev/null
  sleep 0.2
done
`;

/** What the scripts call on a host. */
const programs = {
  mysql: `#!/bin/sh
case "$1" in
  --defaults-file=*) exec /usr/bin/mysql "$@" ;;
  --no-defaults) shift ;;
esac
exec /usr/bin/mysql --no-defaults --socket=/lab/NAME/s "$@"
`,
  systemctl: `#!/bin/sh
case "$1" in
  show) cat /lab/NAME/pid 2>/dev/null || echo 0 ;;
  is-failed) exit 1 ;;
esac
`,
};

const mysqld = `[mysqld]
user = NAME
datadir = /lab/NAME/data
socket = /lab/NAME/s
pid_file = /lab/NAME/pid
log_error = /lab/NAME/error.log
innodb_redo_log_capacity = 8M
performance_schema_max_table_instances = 200
`;

export class RealMysqlds {
  readonly progress: string[] = [];
  readonly warnings: string[] = [];
  /** Machines that nobody reaches. */
  readonly off = new Set<string>();

  #servers: readonly Server[] = [];

  private constructor(
    private readonly container: string,
    private readonly authority: Certified,
  ) {}

  static async make(container: string, servers: readonly Server[]): Promise<RealMysqlds> {
    await run("docker", ["rm", "-f", container]);
    const options = ["--detach", "--name", container, "--cap-add", "NET_ADMIN"];
    await must("docker", [
      "run",
      ...options,
      "--entrypoint",
      "sleep",
      "trilithon-host:latest",
      "infinity",
    ]);
    const mysqlds = new RealMysqlds(container, await makeAuthority("lab"));
    await mysqlds.shell(`export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
packages='mysql-server-core mysql-client-core procps nftables'
apt-get install -y -qq --no-install-recommends $packages >/dev/null 2>&1
apt-get install -y -qq --no-install-recommends $packages >/dev/null 2>&1
mkdir -p /var/lib/mysql-files /lab`);
    await mysqlds.write("/lab/supervise", supervisor, "0755");
    await mysqlds.add(servers);
    return mysqlds;
  }

  get names(): readonly string[] {
    return this.#servers.map(({ name }) => name);
  }

  /** Machines more. */
  async add(servers: readonly Server[]): Promise<void> {
    for (const server of servers) await this.#prepare(server);
    this.#servers = [...this.#servers, ...servers];
  }

  async #prepare({ name, address, port }: Server): Promise<void> {
    const { authority } = this;
    const own = await makeCertificate({ name, addresses: [address], authority });
    const folder = `/lab/${name}`;
    const ours = renderMysql({
      topology: "group",
      address,
      bufferPoolMegabytes: 128,
      maxConnections: 100,
      requirePrimaryKeys: true,
      trustsCreators: false,
      rawLines: [],
    })
      .replaceAll("/etc/mysql/trilithon", folder)
      .replace(`127.0.0.1,${address}`, address)
      .replace(`${address}:3306`, `${address}:${port}\nport = ${port}\nreport_port = ${port}`);
    await this.shell(`useradd --system ${name}
mkdir -p ${folder}/bin
chown ${name} ${folder}
ip addr add ${address}/32 dev lo`);
    await this.write(`${folder}/cnf`, mysqld.replaceAll("NAME", name) + ours);
    await this.write(`${folder}/authority.pem`, authority.certificate);
    await this.write(`${folder}/server.pem`, own.certificate);
    await this.write(`${folder}/server-key.pem`, own.privateKey, "0600");
    await this.shell(`chown ${name} ${folder}/server-key.pem`);
    for (const [program, text] of Object.entries(programs)) {
      await this.write(`${folder}/bin/${program}`, text.replaceAll("NAME", name), "0755");
    }
    await this.install(name);
  }

  /** As a machine that is made anew. */
  async install(name: string): Promise<void> {
    await this.shell(`cd /lab/${name}
rm -rf data stopped
mysqld --no-defaults --initialize-insecure --user=${name} --datadir=/lab/${name}/data --log-error=/lab/${name}/error.log`);
    await this.start(name);
  }

  async start(name: string): Promise<void> {
    await this.shell(`rm -f /lab/${name}/stopped
setsid /lab/supervise ${name} >/dev/null 2>&1 &
for i in $(seq 300); do
  mysqladmin --no-defaults --user=root --socket=/lab/${name}/s ping >/dev/null 2>&1 && exit 0
  sleep 0.1
done
tail /lab/${name}/error.log
exit 1`);
  }

  /** Killed, and not started again. */
  async kill(...names: readonly string[]): Promise<void> {
    await this.shell(
      names.map((name) => `touch /lab/${name}/stopped; kill -9 $(cat /lab/${name}/pid)`).join("\n"),
    );
    await this.shell("sleep 0.5");
  }

  /** Starts what runs beside each mysqld: what tells its role, and what brings it back into its group. */
  async attend(): Promise<void> {
    await this.write("/lab/role", renderRoleCheckScript(), "0755");
    await this.write("/lab/rejoin", renderRejoinScript(), "0755");
    for (const { name, address } of this.#servers) {
      await this.shell(`export PATH=/lab/${name}/bin:$PATH
setsid /lab/role ${address} ${roleCheck.port} group 10 >/dev/null 2>&1 &
setsid /lab/rejoin >/lab/${name}/rejoin.log 2>&1 &`);
    }
  }

  /** Nothing goes between these members and any other. Each runs as a user of its own. */
  async part(...names: readonly string[]): Promise<void> {
    const drops = this.#servers.flatMap(({ name }) => {
      const others = this.#servers.filter((one) => one.name !== name);
      const cut = others.filter((one) => names.includes(name) || names.includes(one.name));
      return cut.map((one) => `meta skuid "${name}" tcp dport ${one.port} drop;`);
    });
    // Who asks for a role cannot be told: nobody hears of any.
    await this.shell(`nft 'table inet apart {
  chain out { type filter hook output priority -300; ${drops.join(" ")} tcp dport ${roleCheck.port} drop; }
}'`);
  }

  async unite(): Promise<void> {
    await this.shell("nft delete table inet apart");
  }

  async remove(): Promise<void> {
    await run("docker", ["rm", "-f", this.container]);
  }

  /** Answers what one server says. */
  async sql(name: string, statement: string): Promise<string> {
    const { status, stdout, stderr } = await this.#try(
      `mysql --no-defaults --user=root --socket=/lab/${name}/s --batch --skip-column-names <<'__SQL__'\n${statement}\n__SQL__`,
    );
    if (status !== 0) throw new Error(`${name}: ${stderr.trim()}`);
    return stdout.trim();
  }

  async shell(script: string): Promise<string> {
    const { status, stdout, stderr } = await this.#try(script);
    if (status !== 0) throw new Error(`exit ${status}: ${stdout}${stderr}\n${script}`);
    return stdout;
  }

  write(path: string, content: string, mode = "0644"): Promise<string> {
    return this.shell(`umask 077; base64 -d >${path} <<'__END__'
${Buffer.from(content).toString("base64")}
__END__
chmod ${mode} ${path}`);
  }

  #try(script: string) {
    return run("docker", ["exec", "--interactive", this.container, "sh", "-s"], script);
  }

  /** Only what the kinds of MySQL use of it. */
  get context(): Context {
    const on = async (host: string, script: string) => {
      if (this.off.has(host)) throw new HostUnreachable({ host, what: "it is off" });
      const { status, stdout, stderr } = await this.#try(
        `export PATH=/lab/${host}/bin:$PATH\n${script}`,
      );
      if (status !== 0) throw new Error(`${host}: exit ${status}: ${stderr}`);
      return stdout.replace(/^@progress (.*)\n/gm, (_, message: string) => {
        this.progress.push(message);
        return "";
      });
    };
    return {
      ask: (host, script) => on(host.name, script),
      run: (host, { script }) => on(host.name, script),
      runAnew: (host, { script }) => on(host.name, script),
      progress: (message) => {
        this.progress.push(message);
      },
      tell: (_, message) => {
        this.warnings.push(message);
      },
      signal: new AbortController().signal,
      owner: { project: "p", stack: "s", resource: "r", urn: "u", claim: "c", isNew: false },
    };
  }
}

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(program: string, args: readonly string[], input = ""): Promise<Ended> {
  const child = spawn(program, args);
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text) => (stderr += text));
  child.stdin.on("error", () => undefined);
  child.stdin.end(input);
  return new Promise((resolve) =>
    child.on("close", (status) => resolve({ status, stdout, stderr })),
  );
}

async function must(program: string, args: readonly string[]): Promise<void> {
  const { status, stderr } = await run(program, args);
  if (status !== 0) throw new Error(`${program} ${args.join(" ")}: exit ${status}: ${stderr}`);
}
