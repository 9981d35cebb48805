/**
 * What a single value must be, described once for the stack's settings, the components' arguments and the plugin's inputs.
 * This is data: `provider/check.ts` and `components/rule.ts` each tell faults in their own way.
 */

export interface TextForm {
  /** What a fault says: `expected <this>, got ...`. */
  readonly expected: string;
  readonly pattern: RegExp;
  /** What to do about a fault, where that is not obvious. */
  readonly remedy?: string;
}

/** An integer, both ends allowed. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

export const port: Range = { from: 1, to: 65535 };
/** A wait: to become ready, to stop, to answer. */
export const waitSeconds: Range = { from: 1, to: 3600 };
/** How long a load balancer may take to notice that a host drains. */
export const drainSeconds: Range = { from: 1, to: 600 };
/** A command that is run once, such as the migration of a database. */
export const commandSeconds: Range = { from: 1, to: 86_400 };
/** A watch over a new version. Meanwhile nothing else changes on its host, which others wait for, for 900 seconds. */
export const watchSeconds: Range = { from: 1, to: 600 };
/** A change that could lock everybody out waits that long for a new connection; sshd and a slow machine need a few seconds. */
export const confirmSeconds: Range = { from: 5, to: 120 };
/** The share of the requests that a watched version gets. */
export const sharePercent: Range = { from: 1, to: 99 };
/** Former versions whose files are reachable. */
export const keptVersions: Range = { from: 1, to: 20 };
/** After how long a primary carries on without a replica. */
export const carryOnSeconds: Range = { from: 1, to: 86_400 };

/** Names resources, messages, HAProxy's servers and containers; a full name such as `web-01.example.com` will do. */
export const hostName: TextForm = {
  expected:
    "a host name of at most 63 letters, digits, dots and hyphens that starts and ends with a letter or digit",
  pattern: /^[A-Za-z0-9]([A-Za-z0-9.-]{0,61}[A-Za-z0-9])?$/,
};

/** Where sshd answers. `%` stands before the interface of a link-local IPv6 address. */
export const sshAddress: TextForm = {
  expected: "a host name or an IP address",
  pattern: /^[A-Za-z0-9:][A-Za-z0-9.:%-]{0,252}$/,
};

/** Who logs in: a directory service has names such as `Jane.Doe` and `jane@corp.example.com`. */
export const loginName: TextForm = {
  expected: "a user name of at most 64 letters, digits and . _ @ -",
  pattern: /^[A-Za-z0-9_][A-Za-z0-9._@-]{0,63}$/,
};

/** Owns a file: a user or a group that the host has. */
export const ownerName: TextForm = {
  expected: "a user or group name of at most 32 letters, digits and . _ -",
  pattern: /^[A-Za-z_][A-Za-z0-9._-]{0,31}$/,
};

/** A user that is created. systemd takes no longer name (`UT_NAMESIZE` less one), Debian no capital letters. */
export const systemUser: TextForm = {
  expected: "a user name of at most 31 lower-case letters, digits and . _ -",
  pattern: /^[a-z_][a-z0-9._-]{0,30}$/,
};

/** A comment at its end, as in the file on the machine, is no part of the key. */
export const hostKey: TextForm = {
  expected: "a public host key such as ssh-ed25519 AAAA...",
  pattern:
    /^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)) [A-Za-z0-9+/]+={0,3}( [^\n\r\0]*)?\s*$/,
  remedy: "read it on the machine itself with cut -d' ' -f1,2 /etc/ssh/ssh_host_ed25519_key.pub",
};

/** As a line of `authorized_keys` has it, without options. */
export const publicKey: TextForm = {
  expected: "a public key such as ssh-ed25519 AAAA...",
  pattern: /^[a-z][a-z0-9@.-]+ [A-Za-z0-9+/]+={0,3}( [^\n\r\0]*)?\s*$/,
};

/** What stands between its lines is for the SSH library to judge. */
export const privateKey: TextForm = {
  expected: "a private key in OpenSSH or PEM format",
  pattern: /^\s*-----BEGIN ([A-Z]+ )*PRIVATE KEY-----/,
};

export const packageName: TextForm = {
  expected: "a Debian package name such as nginx or libc6:i386",
  pattern: /^[a-z0-9][a-z0-9+.-]+(:[a-z0-9]+)?$/,
};

export const packageVersion: TextForm = {
  expected: "present or a version such as 3.2.9-1 or 24.*",
  pattern: /^[A-Za-z0-9.+:~*-]+$/,
};

/** systemd takes no others (`env_name_is_valid`). */
export const variableName: TextForm = {
  expected: "a variable name of letters, digits and underscores that starts with no digit",
  pattern: /^[A-Za-z_][A-Za-z0-9_]*$/,
};

/** Within a release. */
export const folderPath: TextForm = {
  expected: "a folder such as storage or public/uploads, of letters, digits and . _ - in each name",
  pattern: /^(?!(.*\/)?\.{1,2}(\/|$))[A-Za-z0-9._-]+(\/[A-Za-z0-9._-]+)*$/,
};

/** Names a cluster; a member's data directory is marked with it. */
export const clusterName: TextForm = {
  expected: "1 to 64 letters, digits and _",
  pattern: /^[A-Za-z0-9_]{1,64}$/,
};

export const databaseName: TextForm = {
  expected: "1 to 64 letters, digits and _ that name no database of MySQL's own",
  pattern: /^(?!(mysql|sys|information_schema|performance_schema)$)[A-Za-z0-9_]{1,64}$/i,
};

/** MySQL takes no longer name. */
export const accountName: TextForm = {
  expected: "1 to 32 letters, digits and _ . -",
  pattern: /^[A-Za-z0-9_.-]{1,32}$/,
};

/** The account by which replicas follow. */
export const replicationAccount = "trilithon_replication";

/** An application's database and the account for it, which have one name. */
export const ownDatabaseName: TextForm = {
  expected:
    "a database name of at most 32 letters, digits and underscores that MySQL and the cluster do not use themselves",
  pattern:
    /^(?!(mysql|sys|information_schema|performance_schema|root|trilithon_replication|trilithon_role)$)[A-Za-z0-9_]{1,32}$/i,
};
