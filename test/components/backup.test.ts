/** A stack whose database and folders are copied to one of its hosts, and elsewhere. */
import test from "ava";
import { plain, runStack } from "./run-stack";

const source = "./test/components/render";
const start = ["node", "server.js"];
const hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";

const program = runStack({
  domain: "www.foobar.com",
  hosts: [
    { name: "lb-01", address: "10.0.0.11", roles: ["load-balancer", "backup"] },
    { name: "web-01", address: "10.0.0.21", roles: ["web", "database-primary"] },
    { name: "web-02", address: "10.0.0.22", roles: ["database-replica"] },
    { name: "web-03", address: "10.0.0.23", roles: ["web"] },
  ].map((host) => ({ ...host, hostKey })),
  privateKey: "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
  application: { name: "press", source, start, persistent: ["public/uploads"] },
  backup: {
    schedule: "*-*-* 01:00 Europe/Berlin",
    megabytesPerSecond: 40,
    keep: { weekly: 0 },
    repository: {
      ...{ repository: "s3:https://s3.example.com/shop", password: "sixteen letters!" },
      environment: { AWS_ACCESS_KEY_ID: "key" },
    },
  },
});

type Files = Record<string, { content: unknown; mode?: string }>;

async function filesOf(name: string): Promise<Files> {
  const { world } = await program;
  const { inputs } = world.find("trilithon:index:Service", `backup-${name}-service`);
  return Object(plain(inputs.files));
}

const text = (files: Files, path: string) => String(plain(files[path]?.content));

test("members and hosts with folders are copied, and the host that keeps copies is asked by them alone", async (t) => {
  const { told } = await program;
  t.deepEqual(told.backup, {
    hosts: ["lb-01"],
    machines: ["web-01", "web-02", "web-03"],
    places: ["lb-01", "other_repository"],
  });
  const listens = told.listens.filter(({ what }) => what === "backups");
  t.deepEqual(
    listens.map(({ host, address, port, unit, for: whom }) => [host, address, port, unit, whom]),
    [
      [
        ...["lb-01", "10.0.0.11", 8000, "trilithon-backup-server.service"],
        { hosts: ["web-01", "web-02", "web-03"] },
      ],
    ],
  );
});

test("a machine copies what it has, into repositories of its own", async (t) => {
  const member = await filesOf("of-web-02");
  t.is(text(member, "/etc/trilithon/backup/members"), "web-01 10.0.0.21\nweb-02 10.0.0.22\n");
  t.regex(
    text(member, "/etc/trilithon/backup/places/lb-01/repository"),
    /^rest:https:\/\/web-02:[^:@]+@10\.0\.0\.11:8000\/web-02\/$/,
  );
  t.is(
    text(member, "/etc/trilithon/backup/places/other_repository/repository"),
    "s3:https://s3.example.com/shop/web-02",
  );
  t.is(text(member, "/etc/trilithon/backup/places/other_repository/password"), "sixteen letters!");
  t.regex(
    text(member, "/etc/systemd/system/trilithon-backup.timer"),
    /^OnCalendar=\*-\*-\* 01:00 Europe\/Berlin$/m,
  );
  t.regex(text(member, "/usr/local/sbin/trilithon-backup"), / --limit-upload 39063 /);
  t.false("/etc/trilithon/backup/folders" in member);
  const other = await filesOf("of-web-03");
  t.is(text(other, "/etc/trilithon/backup/folders"), "/var/lib/press/public/uploads\n");
  t.false("/etc/trilithon/backup/members" in other);
  t.false("/etc/systemd/system/trilithon-backup-logs.timer" in other);
});

test("no machine has another one's key, and none the keeper's", async (t) => {
  const [first, second, server] = await Promise.all(
    ["of-web-01", "of-web-02", "lb-01"].map(filesOf),
  );
  if (first === undefined || second === undefined || server === undefined) return t.fail();
  const path = "/etc/trilithon/backup/places/lb-01/";
  for (const file of ["repository", "password"]) {
    t.not(text(first, path + file), text(second, path + file));
    t.is(first[path + file]?.mode, "0600");
  }
  const folder = "/etc/trilithon/backup-server";
  t.is(text(server, `${folder}/machines/web-01`), text(first, `${path}password`));
  const keeper = text(server, `${folder}/keeper-password`);
  t.is(server[`${folder}/keeper-password`]?.mode, "0600");
  t.false(JSON.stringify([first, second]).includes(keeper));
  const script = text(server, "/usr/local/sbin/trilithon-backup-keep");
  t.regex(script, /--keep-daily 7 --keep-weekly 0 --keep-monthly 12/);
});

test("a copy is made when there is something to copy, and somewhere to put it", async (t) => {
  const { world } = await program;
  const timers = world.find("trilithon:index:Service", "backup-of-web-01-service");
  for (const name of ["backup-lb-01-service", "database-web-01-role"]) {
    t.true(timers.startedAt > world.find("trilithon:index:Service", name).endedAt, name);
  }
});

test("as a component of another program it refuses what is not sound, before anything is made", async (t) => {
  await program;
  const { Backup } = await import("../../components/backup");
  const { makeHost } = await import("./hosts-for-tests");
  const host = makeHost("a", "10.0.0.1");
  const good = { hosts: [host], machines: [{ host }] };
  const faultOf = (change: object) => {
    try {
      new Backup("copies", { ...good, ...change });
      return "nothing";
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  };
  t.is(
    faultOf({ hosts: [] }),
    "Backup copies: hosts: expected at least one host, or a repository, got an empty list",
  );
  t.is(
    faultOf({ machines: [] }),
    "Backup copies: machines: expected a list of machines, got an empty list",
  );
  t.is(
    faultOf({ machines: [{ host }, { host }] }),
    'Backup copies: machines[1].host: expected a machine that is not in the list before, got "a"',
  );
  t.is(
    faultOf({ repository: { repository: "s3:x", password: "short" } }),
    "Backup copies: repository.password: expected a password of at least 16 characters in one line, got something else (not shown)",
  );
  t.is(
    faultOf({ schedule: "at night" }),
    `Backup copies: schedule: expected a schedule as systemd's OnCalendar has it, such as *-*-* 02:30, got "at night"`,
  );
});
