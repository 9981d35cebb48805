/** A secret planted wherever a user can put one is nowhere in sight: not in an answer, a message or an error. */

import test, { type ExecutionContext } from "ava";
import { anyKind } from "../../../provider/kind";
import { machine as machineKind } from "../../../provider/kinds/machine";
import { mysqlContent } from "../../../provider/kinds/mysql-content/kind";
import { mysqlPasswordRetirement } from "../../../provider/kinds/mysql-content/retirement";
import { mysqlReplication } from "../../../provider/kinds/mysql-replication/kind";
import { password } from "../../../provider/kinds/password";
import { release, service } from "../../../provider/kinds/service/kind";
import { sshKey } from "../../../provider/kinds/ssh-key";
import { type Machine, startMachine, wireHost } from "../../support/machine";
import { onLinux } from "../../support/on-linux";
import { output, secret, type Wire, type WireMap, wire } from "../../support/wire";

const kinds = [
  anyKind(service),
  anyKind(release),
  anyKind(machineKind),
  anyKind(mysqlReplication),
  anyKind(mysqlContent),
  anyKind(mysqlPasswordRetirement),
  anyKind(password),
  anyKind(sshKey),
];

/** Everything that anybody may see. */
function seen({ plugin }: Machine): string {
  return [...plugin.seen, ...plugin.engine.messages.map(({ text }) => text)].join("\n");
}

/** Every place in a tree of inputs, with the tree in which that place is wrapped. */
function wrappings(tree: Wire, wrap: (value: Wire) => Wire): [path: string, tree: Wire][] {
  if (typeof tree !== "object" || tree === null || Array.isArray(tree)) return [["", wrap(tree)]];
  const map: WireMap = JSON.parse(JSON.stringify(tree));
  return [
    ["", wrap(map)],
    ...Object.entries(map).flatMap(([name, item]) =>
      wrappings(item, wrap).map(([path, inner]): [string, Wire] => [
        `${name}${path === "" ? "" : `/${path}`}`,
        { ...map, [name]: inner },
      ]),
    ),
  ];
}

/** The texts at a place. */
function textsAt(tree: Wire, path: string): string[] {
  const value = path
    .split("/")
    .reduce<Wire>((inner, name) => JSON.parse(JSON.stringify(inner))[name] ?? null, tree);
  const texts = JSON.stringify(value).match(/planted-[a-z0-9-]+/g);
  return texts ?? [];
}

function planted(folder: string, host: WireMap): WireMap {
  return {
    host,
    ...wire({
      unit: "planted-unit.service",
      name: "planted-name",
      users: { app: "/srv/planted-home" },
      files: { [`${folder}!it`]: { content: "TOKEN=planted-content\nplain\n" } },
      absent: [`${folder}!planted-absent`],
      check: ["does", "planted-check"],
      ready: { command: ["does", "planted-ready"], deadlineSeconds: 1 },
      drain: { file: `${folder}!planted-drain`, seconds: 1 },
    }),
  };
}

/** Slashes would part the paths of this test. */
function slashed(tree: Wire): WireMap {
  return JSON.parse(JSON.stringify(tree).replaceAll("!", "/"));
}

async function tryOut(t: ExecutionContext, path: string): Promise<void> {
  const machine = await startMachine(t, { plugin: { kinds } });
  const { sandbox, server } = machine;
  await sandbox.unit("planted-unit.service", { journal: "last words: planted-content\n" });
  const folder = sandbox.path("/etc").replaceAll("/", "!");
  const tree = planted(folder, wireHost(server.host()));
  const [, wrapped] = wrappings(tree, secret).find(([at]) => at === path) ?? [];
  if (wrapped === undefined) return t.fail(`no such place: ${path}`);
  const secrets = textsAt(tree, path);
  const it = machine.resource();
  await it.preview(slashed(wrapped));
  await it.up(slashed(wrapped));
  await it.refresh();
  await sandbox.write("/etc/it", "edited\n");
  await it.up(slashed(wrapped));
  await sandbox.unit("planted-unit.service", { failsTo: ["restart", "start", "reload"] });
  await sandbox.write("/etc/it", "edited again\n");
  await t.throwsAsync(it.up(slashed(wrapped)));
  for (const text of secrets) t.false(seen(machine).includes(text), `${path}: ${text}`);
}

const places = [
  "users",
  "users/app",
  "files",
  "absent",
  "check",
  "ready",
  "ready/command",
  "drain",
];

for (const place of places) {
  onLinux(`a secret in ${place} of a service`, (t) => tryOut(t, place));
}

onLinux("a secret in the content of a file, quoted by its check", async (t) => {
  const machine = await startMachine(t);
  const { sandbox, server } = machine;
  const file = sandbox.path("/etc/it");
  const inputs = {
    host: wireHost(server.host()),
    ...wire({ name: "it", check: ["sh", "-c", `sed 's/TOKEN=//' ${file}; exit 1`] }),
    files: { [file]: { content: output({ value: "TOKEN=planted-content\n", secret: true }) } },
  };
  await t.throwsAsync(machine.resource().up(inputs), {
    message: /nothing was changed:\n\[secret\]$/,
  });
  t.false(seen(machine).includes("planted-content"));
});

onLinux("words of a secret file that stand in an open one are quoted", async (t) => {
  const machine = await startMachine(t);
  const { sandbox, server } = machine;
  const [open, file] = [sandbox.path("/etc/open"), sandbox.path("/etc/it")];
  const content = "[client]\ndatabase=guestbook\npassword=planted-content\n";
  const inputs = {
    host: wireHost(server.host()),
    ...wire({
      name: "it",
      check: ["sh", "-c", `sed 's/.*=//' ${file}; echo the database; exit 1`],
    }),
    files: {
      [open]: wire({ content: 'DATABASE_NAME="guestbook"\n' }),
      [file]: { content: output({ value: content, secret: true }) },
    },
  };
  await t.throwsAsync(machine.resource().up(inputs), {
    message: /nothing was changed:\n\[client\]\nguestbook\n\[secret\]\nthe database$/,
  });
  t.false(seen(machine).includes("planted-content"));
});

onLinux("the same search finds what is no secret", async (t) => {
  const machine = await startMachine(t);
  const { sandbox, server } = machine;
  const inputs = {
    host: wireHost(server.host()),
    ...wire({ name: "it", files: { [sandbox.path("/etc/it")]: { content: "planted-control\n" } } }),
  };
  await machine.resource().up(inputs);
  t.true(seen(machine).includes("planted-control"));
});

onLinux(
  "a host that comes as one secret keeps its name in what is told, and its key is not shown",
  async (t) => {
    const machine = await startMachine(t);
    const { sandbox, server } = machine;
    const host = server.host();
    const it = machine.resource();
    const { told } = await it.up({
      host: secret(wire(host)),
      ...wire({ name: "it", files: { [sandbox.path("/etc/it")]: { content: "x\n" } } }),
    });
    t.regex(told[0] ?? "", /^web-01: write /);
    t.false(seen(machine).includes(host.privateKey.split("\n")[1] ?? "none"));
  },
);

test("a secret in a faulty input is not quoted, however long or deep", async (t) => {
  const machine = await startMachine(t, { plugin: { kinds } });
  const { plugin, server } = machine;
  const long = `planted-${"x".repeat(100)}`;
  const host = wireHost(server.host());
  const faulty: WireMap[] = [
    { host, unit: secret(long) },
    { host, unit: secret('planted-"quote"\\') },
    { host, name: "it", files: secret(`planted-${long}`) },
    { host, name: "it", files: { "/etc/a": secret(long) } },
    { host, name: "it", files: { "/etc/a": { content: "x", mode: secret(long) } } },
    { host, name: "it", files: { "/etc/a": { content: secret([long]) } } },
    { host, name: "it", users: { app: secret("planted;id") } },
    { host, name: "it", ready: secret({ http: long }) },
    { host, name: "it", check: [secret({ a: long })] },
    { host, name: "it", check: [{ a: secret(long) }] },
    { host: { ...host, port: secret(long) }, name: "it" },
    { host: { ...host, privateKey: secret(long) }, name: "it" },
    { host: secret(long), name: "it" },
  ];
  for (const inputs of faulty) {
    const { failures } = await plugin.check({ type: "trilithon:index:Service" }, inputs);
    t.true(failures.length > 0);
    t.false(JSON.stringify(failures).includes("planted"), JSON.stringify(failures));
  }
});

test("passwords of a MySQL cluster stay secret in every answer", async (t) => {
  const machine = await startMachine(t, { plugin: { kinds } });
  const { plugin, server } = machine;
  const member = (name: string) => ({ host: wireHost(server.host({ name })), address: "10.0.0.1" });
  const cluster = {
    cluster: "guestbook",
    members: {
      "web-01": member("web-01"),
      "web-02": { ...member("web-02"), address: "10.0.0.2" },
    },
    primary: "web-01",
  };
  const account = { password: secret("planted-account"), grants: { "*.*": ["SELECT"] } };
  const kindsOfMysql = {
    MysqlReplication: {
      durability: "wait-for-replica",
      replicationAccount: { name: "replication", password: secret("planted-replication") },
    },
    // Of the second there are several, each with the password.
    MysqlContent: {
      accounts: { app: account, shop: { ...account, from: ["10.0.0.1", "10.0.0.2"] } },
    },
    MysqlPasswordRetirement: { passwords: { app: secret("planted-retired") } },
  };
  for (const [kind, more] of Object.entries(kindsOfMysql)) {
    const type = `trilithon:index:${kind}`;
    const { inputs, failures } = await plugin.check({ type }, { ...cluster, ...more });
    t.deepEqual(failures, [], kind);
    await plugin.create({ type }, inputs, "preview").catch(() => undefined);
    await plugin.create({ type }, inputs).catch(() => undefined);
  }
  t.false(seen(machine).includes("planted-"));
});

test("generated secrets are wrapped in every answer", async (t) => {
  const machine = await startMachine(t, { plugin: { kinds } });
  const { plugin } = machine;
  const pair = await plugin.create({ type: "trilithon:index:SshKey" }, { comment: "me" });
  t.false(seen(machine).includes("PRIVATE KEY"));
  t.true(JSON.stringify(pair.properties).includes("PRIVATE KEY"));
});
