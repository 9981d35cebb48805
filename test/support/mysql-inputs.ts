/** The inputs of a small cluster, and what check makes of them. */

import type { Host, Properties } from "../../provider/kind";
import { type Content, check as checkContent } from "../../provider/kinds/mysql-content/args";
import { check as checkGroup, type Group } from "../../provider/kinds/mysql-group/args";
import { check, type Replication } from "../../provider/kinds/mysql-replication/args";

export const names = ["web-01", "web-02", "web-03"] as const;

export function clusterInputs(more: Properties = {}, size = 2): Properties {
  const members = names.slice(0, size).map((name, index) => [name, memberInputs(name, index + 1)]);
  return {
    cluster: "guestbook",
    members: Object.fromEntries(members),
    primary: "web-01",
    durability: "wait-for-replica",
    replicationAccount: { name: "replication", password: "of replication" },
    ...more,
  };
}

export function contentInputs(more: Properties = {}): Properties {
  const { cluster, members, primary } = clusterInputs();
  return {
    cluster,
    members,
    primary,
    databases: ["guestbook"],
    accounts: {
      app: { password: "of app", grants: { "guestbook.*": ["select", "insert"] } },
    },
    ...more,
  };
}

export function content(more: Properties = {}): Content {
  const { args, failures } = checkContent(contentInputs(more));
  if (failures.length > 0) throw new Error(JSON.stringify(failures));
  // The engine hands a kind what its own check has made; here that is a test's part.
  return args as unknown as Content;
}

export function memberInputs(name: string, number: number) {
  const host: Host = {
    name,
    address: "127.0.0.1",
    port: 22,
    user: "root",
    hostKey: "ssh-ed25519 AAAA",
    privateKey: "-----BEGIN OPENSSH PRIVATE KEY-----",
  };
  return { host: { ...host }, address: `10.0.0.${number}` };
}

/** A group of `size`, each at an address and port of its own. */
export function groupInputs(more: Properties = {}, size = 3): Properties {
  const numbers = Array.from({ length: size }, (_, index) => index + 1);
  const members = numbers.map((number) => {
    const name = `node-0${number}`;
    return [name, { ...memberInputs(name, number), port: 3310 + number }];
  });
  return {
    cluster: "guestbook",
    members: Object.fromEntries(members),
    replicationAccount: { name: "replication", password: "of replication" },
    ...more,
  };
}

export function group(more: Properties = {}, size = 3): Group {
  const { args, failures } = checkGroup(groupInputs(more, size));
  if (failures.length > 0) throw new Error(JSON.stringify(failures));
  // The engine hands a kind what its own check has made; here that is a test's part.
  return args as unknown as Group;
}

export function cluster(more: Properties = {}, size = 2): Replication {
  const { args, failures } = check(clusterInputs(more, size));
  if (failures.length > 0) throw new Error(JSON.stringify(failures));
  // The engine hands a kind what its own check has made; here that is a test's part.
  return args as unknown as Replication;
}
