/** Ansible, with what its manual says about speed: pipelining, lasting connections, no facts that nobody uses. */
import { copyFile, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Measured, measure } from "../usage";
import { hostOf, withoutContents } from "./description";
import { type PeerArgs, packRelease, setQueueTimeout, writeDescribedFiles } from "./peer-files";
import { versionOf } from "./python";
import type { Tool } from "./tool";

export async function makeAnsible(args: PeerArgs): Promise<Tool> {
  const { hosts, description, python, folder } = args;
  const files = join(folder, "files");
  await mkdir(files, { recursive: true });
  for (const file of ["ansible.cfg", "site.yml"]) {
    await copyFile(join(__dirname, "ansible", file), join(folder, file));
  }
  await writeFile(join(folder, "inventory.json"), JSON.stringify(inventory(args), undefined, 2));
  await writeDescribedFiles(description, files);
  await packRelease(join(files, "release.tar.gz"));
  const place = {
    cwd: folder,
    env: { ...process.env, PATH: `${python.bin}:${process.env.PATH}`, ANSIBLE_NOCOLOR: "1" },
  };
  const play = (...more: readonly string[]) =>
    measure(["ansible-playbook", "--inventory", "inventory.json", "site.yml", ...more], place);
  return {
    name: "Ansible",
    version: await versionOf(python, "ansible-core"),
    hosts,
    provision: () => play(),
    preview: async () => unchanged(await play("--check", "--diff")),
    describe: (seconds) => setQueueTimeout(description, files, seconds),
    change: () => play(),
    noop: async () => unchanged(await play()),
  };
}

function unchanged(run: Measured): Measured {
  const counts = [...run.output.matchAll(/changed=(\d+)/g)].map(([, count]) => Number(count));
  if (counts.length > 0 && counts.every((count) => count === 0)) return run;
  throw new Error(`Ansible changed something in an unchanged stack:\n${run.output}`);
}

function inventory({ hosts: { hosts, privateKeyFile, knownHostsFile }, description }: PeerArgs) {
  const entries = hosts.map(({ name, address, sshPort }) => [
    name,
    {
      ansible_host: "127.0.0.1",
      ansible_port: sshPort,
      ansible_user: "root",
      ansible_ssh_private_key_file: privateKeyFile,
      ansible_ssh_common_args: `-o UserKnownHostsFile=${knownHostsFile}`,
      address,
      ...withoutContents(hostOf(description, name)),
    },
  ]);
  const having = (role: string) => ({
    hosts: Object.fromEntries(
      hosts.filter(({ roles }) => roles.some((one) => one === role)).map(({ name }) => [name, {}]),
    ),
  });
  return {
    all: {
      hosts: Object.fromEntries(entries),
      vars: {
        release: description.release,
        database: description.database,
      },
      children: {
        load_balancer: having("load-balancer"),
        web: having("web"),
        primary: having("database-primary"),
        replica: having("database-replica"),
      },
    },
  };
}
