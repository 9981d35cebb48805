import test from "ava";
import { UsageError } from "../../../scripts/command-line";
import {
  changeOf,
  isRotation,
  parseSettings,
  type Rotation,
  withRoomForKeeper,
} from "../../../scripts/rotate/keepers";

const containers = `
config:
  trilithon:hosts:
    - {name: lb-01, address: 172.31.64.11, roles: [load-balancer]}
    - {name: web-01, address: 172.31.64.21, roles: [web, database-primary]}
  trilithon:containers: {subnet: 172.31.64.0/24}
  trilithon:https: own-ca
`;
const machines = `
config:
  trilithon:hosts:
    - {name: web-01, address: 172.31.64.21, roles: [load-balancer, web]}
  trilithon:privateKey: {secure: AAAA}
`;
const withServices = `${machines}
  trilithon:services:
    page-cache: {kind: valkey, hosts: [web-01]}
    parts: {kind: memcached, hosts: [web-01]}
`;

const changes: readonly (readonly [Rotation, string, ReturnType<typeof changeOf>])[] = [
  ["database", containers, { keepers: ["trilithon:database.passwordKeeper"] }],
  ["replication", containers, { keepers: ["trilithon:database.replicationKeeper"] }],
  ["ssh", containers, { keepers: ["trilithon:containers.keyKeeper"] }],
  ["ssh", machines, { keys: "privateKey" }],
  ["host-keys", machines, { keys: "hostKeys" }],
  ["https", containers, { keepers: ["trilithon:https.authorityKeeper"] }],
  ["certificates", machines, { keepers: ["trilithon:web.authorityKeeper"] }],
  [
    "certificates",
    machines.replace("web]", "web, monitoring]"),
    { keepers: ["trilithon:web.authorityKeeper", "trilithon:monitoring.authorityKeeper"] },
  ],
  [
    "certificates",
    containers,
    { keepers: ["trilithon:database.authorityKeeper", "trilithon:web.authorityKeeper"] },
  ],
  [
    "certificates",
    withServices,
    {
      keepers: [
        "trilithon:web.authorityKeeper",
        "trilithon:services.page-cache.authorityKeeper",
        "trilithon:services.parts.authorityKeeper",
      ],
    },
  ],
  ["services", withServices, { keepers: ["trilithon:services.page-cache.passwordKeeper"] }],
];

for (const [rotation, text, change] of changes) {
  test(`${rotation} is made anew by ${JSON.stringify(change)}`, (t) => {
    t.true(isRotation(rotation));
    t.deepEqual(changeOf(rotation, parseSettings(text)), change);
  });
}

const nothing: readonly (readonly [Rotation, string])[] = [
  ["database", "database: there is nothing to rotate: no host has a database role"],
  ["replication", "replication: there is nothing to rotate: no host has a database role"],
  ["services", "services: there is nothing to rotate: no private service has a password"],
  ["https", "https: there is nothing to rotate: trilithon:https has no authority of its own"],
];

for (const [rotation, message] of nothing) {
  test(`without one: ${message}`, (t) => {
    t.throws(() => changeOf(rotation, parseSettings(machines)), {
      instanceOf: UsageError,
      message,
    });
  });
}

test("a host that is away would not hear of another key", (t) => {
  const away = machines.replace("roles:", "away: true, roles:");
  const message = "web-01 would have the former key alone, as it is away: rotate when it is back";
  for (const rotation of ["ssh", "host-keys"] as const) {
    t.throws(() => changeOf(rotation, parseSettings(away)), {
      instanceOf: UsageError,
      message: `${rotation}: ${message}`,
    });
  }
  t.throws(() => changeOf("host-keys", parseSettings(containers)), {
    message: "host-keys: there is nothing to rotate: a container's is made with it",
  });
});

test("own-ca in one word becomes an object, and all else stays", (t) => {
  t.is(withRoomForKeeper(containers), containers.replace("own-ca", "{ownCa: true}"));
  t.is(withRoomForKeeper('{"trilithon:https":"own-ca"}'), '{"trilithon:https":{ownCa: true}}');
  t.is(withRoomForKeeper(machines), machines);
});
