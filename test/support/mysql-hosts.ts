/** Hosts on which the plugin's scripts run for real, under dash, against servers that are values (`mysqld.ts`). */

import { spawn } from "node:child_process";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Context } from "../../provider/kind";
import { type Mysqld, Mysqlds } from "./mysqld";

/**
 * What the scripts call. The client hands its arguments and its standard input to the test, and says what it is answered.
 */
const client = `#!/usr/bin/perl
use strict;
use Socket;
my ($name) = $0 =~ m{([^/]+)$};
my $input = '';
if ($name eq 'mysql' && !grep { /^(-e|--execute)/ } @ARGV) { local $/; $input = <STDIN> // ''; }
socket(my $server, PF_UNIX, SOCK_STREAM, 0) or die "socket: $!";
connect($server, sockaddr_un($ENV{MYSQL_HOST_SOCKET})) or die "connect: $!";
select((select($server), $| = 1)[0]);
print $server join("\\0\\0", $ENV{MYSQL_HOST}, $name, join("\\0", @ARGV), $input);
shutdown($server, 1);
my $answer = do { local $/; <$server> };
my ($status, $said, $errors) = split /\\0/, $answer, 3;
print $said;
print STDERR $errors;
exit $status;
`;

interface Call {
  readonly program: string;
  readonly args: readonly string[];
  readonly input: string;
}

export class MysqlHosts {
  readonly warnings: string[] = [];
  /** What was said of the progress, by the plugin and its scripts. */
  readonly progress: string[] = [];
  /** Called instead of each `sleep`: time passes. */
  onSleep: ((host: Mysqld) => void) | undefined;
  /** For a test that watches the servers. */
  readonly faults: string[] = [];
  /** Called before each statement list that a client brings; may change the servers. */
  before: ((server: Mysqld, sql: string) => void) | undefined;

  readonly #progressAsked = new Signal();

  private constructor(
    private readonly folder: string,
    private readonly server: Server,
    readonly mysqlds: Mysqlds,
  ) {}

  static async make(addresses: Readonly<Record<string, string>>): Promise<MysqlHosts> {
    const folder = await mkdtemp(join(tmpdir(), "trilithon-mysql-"));
    for (const name of ["mysql", "mysqld", "systemctl", "sleep"]) {
      await writeFile(join(folder, name), client);
      await chmod(join(folder, name), 0o755);
    }
    const server = createServer({ allowHalfOpen: true });
    const hosts = new MysqlHosts(folder, server, new Mysqlds(addresses));
    server.on("connection", (socket) => hosts.#serve(socket));
    await new Promise<void>((resolve) => server.listen(join(folder, "socket"), resolve));
    return hosts;
  }

  async remove(): Promise<void> {
    this.server.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  on(name: string): Mysqld {
    return this.mysqlds.on(name);
  }

  /** Only what the kinds of MySQL use of it. */
  get context(): Context {
    return {
      ask: (host, script) => this.#run(host.name, script),
      run: (host, { script }) => this.#run(host.name, script),
      runAnew: (host, { script }) => this.#run(host.name, script),
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

  async #run(host: string, script: string): Promise<string> {
    const child = spawn("/bin/sh", ["-s"], {
      env: {
        PATH: `${this.folder}:${process.env.PATH}`,
        TMPDIR: this.folder,
        MYSQL_HOST: host,
        MYSQL_HOST_SOCKET: join(this.folder, "socket"),
      },
    });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text) => (stderr += text));
    child.stdin.on("error", () => undefined);
    child.stdin.end(script);
    const status = await new Promise((resolve) => child.on("close", resolve));
    if (status !== 0) throw new Error(`${host}: exit ${status}: ${stderr}\n${script}`);
    return stdout.replace(/^@progress (.*)\n/gm, (_, message: string) => {
      this.progress.push(message);
      return "";
    });
  }

  #serve(socket: Socket): void {
    let request = "";
    socket.setEncoding("utf8").on("data", (text) => (request += text));
    socket.on("error", () => undefined);
    socket.on("end", async () => {
      const [host = "", program = "", args = "", input = ""] = request.split("\0\0");
      const call = { program, args: args.split("\0"), input };
      if (input.includes("clone_progress")) this.#progressAsked.resolve();
      // A CLONE takes its time: it ends once somebody looked at how far it is.
      if (input.includes("CLONE INSTANCE FROM")) await this.#progressAsked.next();
      const { status, stdout = "", stderr = "" } = this.#answer(this.on(host), call);
      socket.end(`${status}\0${stdout}\0${stderr}`);
    });
  }

  #answer(
    server: Mysqld,
    { program, args, input }: Call,
  ): { readonly status: number; readonly stdout?: string; readonly stderr?: string } {
    if (program === "systemctl") return systemctl(server, args);
    if (program === "sleep") {
      this.onSleep?.(server);
      return { status: 0 };
    }
    if (!args.includes("--user=root")) {
      return { status: 1, stderr: "ERROR 1045 (28000): Access denied\n" };
    }
    if (!server.isRunning) {
      return { status: 1, stderr: "ERROR 2002 (HY000): Can't connect to local MySQL server\n" };
    }
    const executed = args.find((arg) => arg.startsWith("--execute="))?.slice("--execute=".length);
    const sql = executed ?? input;
    this.before?.(server, sql);
    const isGoingOn = args.includes("--force");
    const { stdout, error } = server.take(sql, { isGoingOn });
    const stderr = error === undefined ? "" : `${error}\n`;
    const names = stdout === "" || args.includes("--skip-column-names") ? "" : "names of columns\n";
    return { status: error === undefined || isGoingOn ? 0 : 1, stdout: names + stdout, stderr };
  }
}

/** Lets one wait for what another one does; never for long. */
class Signal {
  #resolve: (() => void) | undefined;

  resolve(): void {
    this.#resolve?.();
  }

  next(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, 10_000);
      this.#resolve = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** What is asked about the unit of mysqld. */
function systemctl(server: Mysqld, args: readonly string[]) {
  const [verb] = args;
  if (verb === "show") return { status: 0, stdout: `${server.isRunning ? server.processId : 0}\n` };
  if (verb === "is-failed") return { status: 1 };
  if (verb === "start") {
    if (!server.isRunning) server.start();
    return { status: 0 };
  }
  return { status: 0, stdout: "mysql.service\n" };
}
