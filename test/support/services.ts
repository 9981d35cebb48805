/** Any Service or Release, and any machine, out of few names, so that they meet. */

import fc from "fast-check";
import type { Host, Owner, Properties } from "../../provider/kind";
import type { Service } from "../../provider/kinds/service/args";
import { checkRelease, checkService } from "../../provider/kinds/service/check";
import type { Model } from "./model";

const users = ["app", "log"];
const paths = ["/etc/a", "/etc/b.conf", "/srv/c d", "/etc/systemd/system/it-mail.service"];
const versions = ["one", "two", "three"];
const contents = ["", "a\n", "a\nb\n", "a\nc\nb\n", "no newline", "ünï\n'$x`\n"];
const modes = ["0644", "0600", "0000", "04755"];
const owners = ["root", "app"];

const onChange = fc.constantFrom("reload", "restart", "nothing");

function some<Value>(names: readonly string[], value: fc.Arbitrary<Value>) {
  return fc
    .array(fc.tuple(fc.constantFrom(...names), value), { maxLength: names.length })
    .map((entries): Record<string, Value> => Object.fromEntries(entries));
}

const file = fc.record(
  {
    content: fc.constantFrom(...contents),
    mode: fc.constantFrom(...modes),
    owner: fc.constantFrom(...owners),
    group: fc.constantFrom(...owners),
    onChange,
  },
  { requiredKeys: ["content"] },
);

const common = {
  users: some(users, fc.constantFrom("/srv/app", "/var/log/app")),
  files: some(paths, file),
  absent: fc.subarray(["/etc/x", "/etc/y"]),
  onChange,
  check: fc.constant(["true"]),
  drain: fc.constant({ file: "/run/drain", seconds: 1 }),
};

const moreUnits = some(
  ["it-mail.service", "it-sms@1.service"],
  fc.constant({ ready: { command: ["does", "ready"] } }),
);

const persistentFolder = fc.record({
  folder: fc.constantFrom("/srv/state/a", "/srv/state/b"),
  owner: fc.constantFrom("app", "log"),
});

/** A folder has one owner, whichever paths lead to it. */
const persistentFolders = some(["lib", "public/uploads"], persistentFolder).filter((folders) => {
  const all = Object.values(folders);
  return all.every((one) =>
    all.every(({ folder, owner }) => folder !== one.folder || owner === one.owner),
  );
});

const withUnit = fc.record(
  {
    ...common,
    moreUnits,
    unit: fc.constant("it.service"),
    state: fc.constantFrom("running", "stopped"),
  },
  { requiredKeys: ["unit"] },
);
const withoutUnit = fc.record({ ...common, name: fc.constant("it") }, { requiredKeys: ["name"] });
const release = fc.record(
  {
    ...common,
    moreUnits,
    unit: fc.constant("it.service"),
    root: fc.constant("/srv/it"),
    source: fc.constant("dist"),
    version: fc.constantFrom(...versions),
    watch: fc.constant({ seconds: 1, maxErrorRatio: 0, accessLog: "/var/log/it" }),
    persistent: persistentFolders,
    dependencies: fc.constantFrom("a", "b").map((key) => ({
      ...{
        key,
        command: ["mkdir", "made"],
        unit: "[Service]\nExecStart=mkdir made\n",
        user: "root",
      },
      ...{ files: ["server.js"], links: ["made"] },
    })),
    releaseCommand: fc.constant({
      command: ["true"],
      unit: "[Service]\nExecStart=true\nWorkingDirectory=/\n",
    }),
    afterCommand: fc.constant({
      command: ["true"],
      unit: "[Service]\nExecStart=true\nWorkingDirectory=/\n",
    }),
  },
  { requiredKeys: ["unit", "root", "source", "version"] },
);

export const host: Host = {
  name: "web-01",
  address: "127.0.0.1",
  port: 22,
  user: "root",
  hostKey: "ssh-ed25519 AAAA",
  privateKey: "-----BEGIN OPENSSH PRIVATE KEY-----",
  instance: "1",
};

export const owner: Owner = {
  project: "trilithon",
  stack: "dev",
  resource: "it",
  urn: "urn:pulumi:dev::trilithon::trilithon:index:Service::it",
  claim: "c1a1",
  isNew: false,
};

/** Two wishes for the same thing, one after the other. */
export const changes: fc.Arbitrary<{ readonly former: Service; readonly wanted: Service }> =
  fc.oneof(
    fc.tuple(withUnit, withUnit).map(pair(checkService)),
    fc.tuple(withoutUnit, withoutUnit).map(pair(checkService)),
    fc.tuple(release, release).map(pair(checkRelease)),
  );

const unit = fc.record({
  active: fc.constantFrom("active", "active", "inactive", "failed", "activating"),
  enabled: fc.constantFrom(true, false, undefined),
  entered: fc.integer({ min: 900, max: 1000 }),
  changed: fc.integer({ min: 900, max: 1000 }),
});

export const models: fc.Arbitrary<Model> = fc
  .record({
    now: fc.constant(1000),
    users: some(users, fc.constantFrom("/srv/app", "/")),
    files: some(
      [...paths, "/etc/x", "/etc/y"],
      fc.record({
        content: fc.constantFrom(...contents),
        mode: fc.constantFrom(...modes),
        owner: fc.constantFrom(...owners),
        group: fc.constantFrom(...owners),
        modified: fc.integer({ min: 900, max: 1000 }),
      }),
    ),
    unit,
    moreUnits: some(["it-mail.service", "it-sms@1.service"], unit),
    releases: fc.subarray(versions),
    persistent: persistentFolders,
  })
  .chain((model) =>
    fc.constantFrom(undefined, ...model.releases).map((current): Model => ({ ...model, current })),
  );

function pair(check: (inputs: Properties) => { args: Properties; failures: readonly unknown[] }) {
  return ([former, wanted]: readonly [object, object]) => ({
    former: checked(check, former),
    wanted: checked(check, wanted),
  });
}

function checked(
  check: (inputs: Properties) => { args: Properties; failures: readonly unknown[] },
  inputs: object,
): Service {
  const { args, failures } = check({ ...inputs, host: { ...host } });
  if (failures.length > 0) throw new Error(JSON.stringify(failures));
  // What passed the check is a Service.
  return args as unknown as Service;
}
