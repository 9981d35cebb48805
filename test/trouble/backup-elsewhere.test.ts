/**
 * All machines and the state of the stack are lost. From the checkout, the settings and a repository elsewhere with its password comes a stack that
 * serves, with what was acknowledged a minute before and the folders of the application.
 */
import { setTimeout as sleep } from "node:timers/promises";
import test from "ava";
import { removeLabelled } from "../../scripts/setup/labelled";
import { must } from "../../scripts/setup/run";
import { type Settings, threeHosts } from "../end-to-end/support/test-stack";
import { BackedUp } from "./backup/backed-up";

const stackName = "backup-elsewhere";
const vault = "backup-vault";
const vaultPort = 17_690;
const number = Number(process.env.TRILITHON_TEST_NUMBER ?? 125);
const net = `172.31.${number}`;
const password = "a password of the repository alone";

const standard = threeHosts(number);
const settings: Settings = {
  ...standard,
  "trilithon:containers": {
    ...{ subnet: `${net}.0/24`, publish: 8000 + number, sshPortBase: 17_600 },
    memoryMegabytes: 2048,
  },
  "trilithon:application": {
    ...Object(standard["trilithon:application"]),
    persistent: ["storage"],
  },
  // The engine's own address in the stack's network.
  "trilithon:backup": { repository: { repository: `rest:http://${net}.1:${vaultPort}` } },
};

const storage = "/var/lib/guestbook/storage";

let backedUp: BackedUp | undefined;

async function makeStack(): Promise<BackedUp> {
  const made = await BackedUp.make(stackName, settings, `http://127.0.0.1:${8000 + number}`);
  await made.stack.setSecretAt("trilithon:backup.repository.password", password);
  return made;
}

async function startVault(): Promise<void> {
  await removeLabelled(vault);
  const serve =
    "apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -qy install restic-rest-server && exec $(command -v restic-rest-server || command -v rest-server) --path /srv --listen :8000 --no-auth --append-only";
  await must("vault", "docker", [
    ...["run", "--detach", "--label", `trilithon.stack=${vault}`, "--name", `trilithon-${vault}`],
    ...["--publish", `${vaultPort}:8000`, "--entrypoint", "sh", "trilithon-host:latest"],
    ...["-c", serve],
  ]);
}

test.before(startVault);

test.after.always(async () => {
  if (process.env.TRILITHON_TEST_KEEP !== undefined) return;
  await backedUp?.stack.remove();
  await removeLabelled(vault);
});

test.serial("copies go to a repository that the stack does not keep itself", async (t) => {
  backedUp = await makeStack();
  const { stack } = backedUp;
  await stack.up();
  await stack.on(
    "web-01",
    `echo 'a picture' >${storage}/picture && chown --reference=${storage} ${storage}/picture`,
  );
  await backedUp.untilFirstCopy("web-02");
  await stack.on("web-01", "systemctl start trilithon-backup");
  t.regex(await stack.on("web-01", "trilithon-backup list"), /"folders"/);
});

test.serial(
  "after the loss of all machines and of the state, all of that comes back",
  async (t) => {
    if (backedUp === undefined) return t.fail();
    const former = backedUp;
    await former.writeDuring(async () => {
      await sleep(120_000);
      await removeLabelled(stackName);
    });
    const lostAt = Date.now();
    const { stack } = former;
    await stack.remove();
    backedUp = await makeStack();
    await backedUp.stack.up();
    t.deepEqual(await backedUp.liveOn("web-01"), new Set());
    t.log(await backedUp.intoCluster("latest", { before: String(lostAt * 1000) }));
    for (const host of ["web-01", "web-02"]) {
      const live = await backedUp.liveOn(host);
      t.deepEqual(former.compare(live, lostAt - 60_000).lost, [], host);
    }
    await backedUp.stack.on(
      "web-01",
      "trilithon-backup restic other_repository restore latest --tag folders --target /",
    );
    t.is(await backedUp.stack.on("web-01", `cat ${storage}/picture`), "a picture\n");
    const owners = await backedUp.stack.on("web-01", `stat -c %U ${storage} ${storage}/picture`);
    t.is(new Set(owners.trim().split("\n")).size, 1, owners);
    await backedUp.write();
    t.not(backedUp.writes.at(-1)?.acknowledgedAt, undefined);
  },
);
