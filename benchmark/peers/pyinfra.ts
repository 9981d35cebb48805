/** pyinfra, which reads facts and then runs what is missing, on all hosts at once. */
import { copyFile, cp, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Measured, measure } from "../usage";
import { hostOf, withoutContents } from "./description";
import { type PeerArgs, packagedRelease, setQueueTimeout, writeDescribedFiles } from "./peer-files";
import { versionOf } from "./python";
import type { Tool } from "./tool";

export async function makePyinfra(args: PeerArgs): Promise<Tool> {
  const { hosts, description, python, folder } = args;
  const files = join(folder, "files");
  await mkdir(files, { recursive: true });
  for (const file of ["deploy.py", "facts.py", "inventory.py"]) {
    await copyFile(join(__dirname, "pyinfra", file), join(folder, file));
  }
  await writeFile(join(folder, "hosts.json"), JSON.stringify(inventory(args), undefined, 2));
  await writeDescribedFiles(description, files);
  await cp(packagedRelease, join(files, "release"), { recursive: true });
  const env = { ...process.env, PATH: `${python.bin}:${process.env.PATH}` };
  const run = (option: string) =>
    measure(["pyinfra", option, "inventory.py", "deploy.py"], { cwd: folder, env });
  const deploy = () => run("--yes");
  return {
    name: "pyinfra",
    version: await versionOf(python, "pyinfra"),
    hosts,
    provision: deploy,
    // With `--yes` beside it pyinfra would not look for changes.
    preview: () => run("--dry"),
    describe: (seconds) => setQueueTimeout(description, files, seconds),
    change: deploy,
    noop: async () => unchanged(await deploy()),
  };
}

function unchanged(run: Measured): Measured {
  const [, hosts, unchangedHosts] = /Grand total +(\d+) +\S+ +\S+ +(\d+)/.exec(run.output) ?? [];
  if (hosts !== undefined && hosts === unchangedHosts) return run;
  throw new Error(`pyinfra changed something in an unchanged stack:\n${run.output}`);
}

function inventory({ hosts: { hosts, privateKeyFile, knownHostsFile }, description }: PeerArgs) {
  const entries = hosts.map(({ name, address, roles, sshPort }) => [
    name,
    {
      ssh_hostname: "127.0.0.1",
      ssh_port: sshPort,
      ssh_user: "root",
      ssh_key: privateKeyFile,
      ssh_known_hosts_file: knownHostsFile,
      ssh_strict_host_key_checking: "yes",
      address,
      roles,
      ...withoutContents(hostOf(description, name)),
      release: description.release,
      database: description.database,
    },
  ]);
  return { hosts: Object.fromEntries(entries) };
}
