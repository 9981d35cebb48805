/** What the components take as plain values, from another program's arguments and from the stack's settings alike. */
import * as v from "valibot";
import * as values from "../provider/schema/values";
import { address6 } from "./address6";
import { type DatabasePrivilege, morePrivileges } from "./database-privileges";
import { type DatabaseText, databaseTextWords, isDatabaseText } from "./database-text";
import { unexpected } from "./expectation";
import { mysqlRawLines } from "./mysql-raw-lines";
import { releaseCommand } from "./release-command";
import { type Allowed, allowances, ownUnitSettings } from "./render/confinement";
import { unknownHostAnswers } from "./render/unknown-host";
import {
  hiddenText,
  integer,
  integerIn,
  isRecord,
  list,
  mapping,
  oneOf,
  record,
  rule,
  text,
  textOf,
} from "./rule";
import {
  address,
  command,
  domain,
  hostName,
  immutablePath,
  keeper,
  port,
  proxyNetwork,
  rawLines,
  seconds,
  sourceNetwork,
  urlPath,
  webPath,
} from "./rules";
import { runtime } from "./runtime";
import { isSchedule } from "./schedule";
import { strategy } from "./strategy";
import { isTakenName } from "./taken-names";

const isDurability = (value: unknown): value is Durability => v.is(durabilityForms, value);

/** Where each daemon listens unless told otherwise: the customary ports, but of Nginx, which may stand beside a HAProxy with 443 or 8443. */
export const defaultPorts = {
  ssh: 22,
  loadBalancer: 80,
  statistics: 8404,
  web: 80,
  webTls: 4443,
  application: 3000,
  shared: 22_000,
  dns: 53,
  // restic's REST server's own.
  backup: 8000,
};

/** How long whoever asks waits for an answer: the load balancer longer, so that Nginx gives up first and its log says so. */
export const defaultResponseSeconds = { web: 60, loadBalancer: 65 };

const { from, to } = values.carryOnSeconds;
export const carryOnWords = `{ carryOnAfterSeconds: ${from} to ${to} }`;
const durabilityWords = `wait-for-replica or ${carryOnWords}`;

/** What a commit waits for. */
export type Durability = "wait-for-replica" | { readonly carryOnAfterSeconds: number };

const durabilityForms = v.union([
  v.literal("wait-for-replica"),
  v.strictObject({ carryOnAfterSeconds: integerIn(values.carryOnSeconds) }),
]);

/** Debian package to version, as `Packages` takes them. */
export const packages = mapping(
  "an object of Debian packages and versions",
  textOf(values.packageName),
  textOf(values.packageVersion),
);

const word = text("a word", (value) => /^\S+$/.test(value));
const packageSource = record("an object with uris, suites and components", {
  uris: list(
    "a list of URIs",
    text("a URI", (value) => /^[a-z+]+:\S+$/.test(value)),
    1,
  ),
  suites: list("a list of suites", word, 1),
  components: v.exactOptional(list("a list of components", word)),
  architectures: v.exactOptional(list("a list of architectures", word, 1)),
  key: v.exactOptional(
    text("an armoured public key, or a file's path on the hosts", (value) =>
      /^(\/|\s*-----BEGIN PGP PUBLIC KEY BLOCK-----\s)/.test(value),
    ),
  ),
});

/** Where packages come from, and what may be done to them, on every host of a stack. */
export const packagePolicy = record("an object", {
  sources: v.exactOptional(
    mapping(
      "an object of package sources",
      text("a name of lower-case letters, digits and hyphens", (value) =>
        /^[a-z0-9][a-z0-9-]*$/.test(value),
      ),
      packageSource,
    ),
  ),
  hold: v.exactOptional(
    rule("true or false", (value): value is boolean => typeof value === "boolean"),
  ),
  allowRemoval: v.exactOptional(list("a list of package names", textOf(values.packageName))),
});

export const loadBalancerOptions = {
  packages: v.exactOptional(packages),
  port: v.exactOptional(port),
  statsPort: v.exactOptional(port),
  responseTimeoutSeconds: v.exactOptional(seconds),
  trustedProxies: v.exactOptional(list("a list of networks", proxyNetwork)),
  virtualAddress: v.exactOptional(address),
  aliases: v.exactOptional(list("a list of host names", domain)),
  virtualAddress6: v.exactOptional(address6),
  redirects: v.exactOptional(mapping("an object of host names", domain, domain)),
  unknownHost: v.exactOptional(oneOf(...unknownHostAnswers)),
  backendProtocol: v.exactOptional(oneOf("https", "http")),
  onMove: v.exactOptional(
    list(
      "a command as a list of words",
      text("a word", (value) => /^[^\n\r\0]*$/.test(value)),
      1,
    ),
  ),
  rawLines: v.exactOptional(
    record("an object of sections", {
      global: v.exactOptional(rawLines),
      frontend: v.exactOptional(rawLines),
      backend: v.exactOptional(rawLines),
    }),
  ),
};

const allowedPort = record("an object with port", {
  port,
  protocol: v.exactOptional(oneOf("tcp", "udp")),
  from: v.exactOptional(list("a list of networks", sourceNetwork, 1)),
  hosts: v.exactOptional(list("a list of host names", hostName, 1)),
});

/** A port that the firewall leaves open for what the stack does not know. */
export interface AllowedPort {
  readonly port: number;
  /** Default `tcp`. */
  readonly protocol?: "tcp" | "udp";
  /** Networks, IPv4 or IPv6. Default: anyone. */
  readonly from?: readonly string[];
  /** Names of the hosts. Default: all. */
  readonly hosts?: readonly string[];
}

export const firewallOptions = {
  operators: v.exactOptional(list("a list of networks", sourceNetwork)),
  allow: v.exactOptional(list("a list of ports", allowedPort)),
};

const sshdLine = text("a line of sshd_config(5) such as ClientAliveInterval 60", (value) =>
  /^\s*[A-Za-z0-9]+(\s+|\s*=\s*)[^\s\0][^\n\r\0]*$/.test(value),
);
const kernelSettingName = text("the name of a kernel setting such as vm.swappiness", (value) =>
  /^[a-z0-9_-]+(\.[A-Za-z0-9_*:-]+)+$/.test(value),
);
const isKernelValue = (value: unknown): value is string | number =>
  Number.isInteger(value) || (typeof value === "string" && /^[\w.,:|%/ -]+$/.test(value));

const sshdOptions = record("an object with rawLines", {
  rawLines: v.exactOptional(list("a list of lines", sshdLine, 1)),
});
const kernelOptions = record("an object with settings", {
  settings: v.exactOptional(
    mapping(
      "an object of kernel settings",
      kernelSettingName,
      rule("an integer or one line of text", isKernelValue),
    ),
  ),
});
const timeOptions = record("an object with servers", {
  servers: v.exactOptional(list("a list of time servers", textOf(values.sshAddress), 1)),
});

/** `true` for what is so by default. */
function trueOr<Options>(words: string, options: v.GenericSchema<unknown, Options>) {
  const isTrue = (value: unknown): value is true => value === true;
  return v.lazy(
    (value): v.GenericSchema<unknown, true | Options> =>
      isRecord(value) ? options : rule(`true or ${words}`, isTrue),
  );
}

export const hardeningOptions = {
  sshd: v.exactOptional(trueOr("an object with rawLines", sshdOptions)),
  kernel: v.exactOptional(trueOr("an object with settings", kernelOptions)),
  time: v.exactOptional(trueOr("an object with servers", timeOptions)),
};

export const nameServerOptions = { packages: v.exactOptional(packages) };

const copies = v.exactOptional(integer(0, 1000));

export const backupOptions = {
  packages: v.exactOptional(packages),
  port: v.exactOptional(integer(1024, 65535)),
  schedule: v.exactOptional(
    text("a schedule as systemd's OnCalendar has it, such as *-*-* 02:30", isSchedule),
  ),
  keep: v.exactOptional(
    record("an object with daily, weekly or monthly", {
      daily: v.exactOptional(integer(1, 1000)),
      weekly: copies,
      monthly: copies,
    }),
  ),
  megabytesPerSecond: v.exactOptional(integer(1, 10_000)),
  authorityKeeper: v.exactOptional(keeper),
  repository: v.exactOptional(
    record("an object with repository and password", {
      // It may hold a password.
      repository: hiddenText(
        "a repository as restic has it, such as s3:https://s3.example.com/shop",
        (value) => /^[a-z0-9]+:\S+$/.test(value),
      ),
      password: hiddenText("a password of at least 16 characters in one line", (value) =>
        /^[^\n\r\0]{16,}$/.test(value),
      ),
      environment: v.exactOptional(
        mapping(
          "an object of variables",
          textOf(values.variableName),
          hiddenText("a text in one line", (value) => /^[^\n\r\0]*$/.test(value)),
        ),
      ),
    }),
  ),
};

export const webServerOptions = {
  packages: v.exactOptional(packages),
  port: v.exactOptional(port),
  tlsPort: v.exactOptional(port),
  uploadLimitMegabytes: v.exactOptional(integer(1, 10_240)),
  responseTimeoutSeconds: v.exactOptional(seconds),
  rawLines: v.exactOptional(rawLines),
};

/** Of all web servers of a stack. */
export const webAuthorityOptions = {
  authorityKeeper: v.exactOptional(keeper),
};

const isBoolean = (value: unknown): value is boolean => typeof value === "boolean";

const isDatabasePrivilege = (value: unknown): value is DatabasePrivilege =>
  typeof value === "string" && Object.hasOwn(morePrivileges, value);

export const databaseOptions = {
  name: textOf(values.ownDatabaseName),
  durability: v.exactOptional(rule(durabilityWords, isDurability)),
  bufferPoolPercent: v.exactOptional(integer(5, 80)),
  maxConnections: v.exactOptional(integer(10, 10_000)),
  packages: v.exactOptional(packages),
  privileges: v.exactOptional(
    list(
      "a list of privileges",
      rule(`one of ${Object.keys(morePrivileges).join(", ")}`, isDatabasePrivilege),
    ),
  ),
  requirePrimaryKeys: v.exactOptional(rule("true or false", isBoolean)),
  passwordKeeper: v.exactOptional(keeper),
  replicationKeeper: v.exactOptional(keeper),
  authorityKeeper: v.exactOptional(keeper),
  maxLagSeconds: v.exactOptional(seconds),
  rawLines: v.exactOptional(mysqlRawLines),
  cluster: v.exactOptional(textOf(values.clusterName)),
  discardDataOn: v.exactOptional(list("a list of host names", hostName)),
};

/** Of a cluster, not of a stack's settings: there the applications are counted. */
export const sharedBy = v.exactOptional(integer(1, 1000));

const databaseText = record("an object with database", {
  database: text(databaseTextWords, isDatabaseText),
});

const environmentValue = v.lazy(
  (value): v.GenericSchema<unknown, string | number | boolean | DatabaseText> =>
    isRecord(value)
      ? databaseText
      : rule("text, a number, a boolean or { database: ... }", isEnvironmentValue),
);

const environment = mapping(
  "an object of variables",
  textOf(values.variableName),
  environmentValue,
);

/** `shop-NAME` is its unit; `shop-release` is that of the release command, and `shop-dependencies` of what makes these. */
const processName = text(
  "a name of at most 31 lower-case letters, digits and hyphens that starts with a letter and is not release or dependencies",
  (value) => /^[a-z][a-z0-9-]{0,30}$/.test(value) && !["release", "dependencies"].includes(value),
);

const processReady = v.pipe(
  record("an object with command or staySeconds", {
    command: v.exactOptional(command),
    staySeconds: v.exactOptional(seconds),
  }),
  v.check(
    (ready) => (ready.command === undefined) !== (ready.staySeconds === undefined),
    ({ input }) =>
      `expected either command or staySeconds, got ${Object.keys(input).length > 0 ? "both" : "none"}`,
  ),
);

const processes = mapping(
  "an object of processes",
  processName,
  record("an object with command", {
    command,
    count: v.exactOptional(integer(1, 100)),
    memoryMegabytes: v.exactOptional(integer(1, 1_048_576)),
    cpuPercent: v.exactOptional(integer(1, 100_000)),
    stopSeconds: v.exactOptional(seconds),
    ready: v.exactOptional(processReady),
  }),
);

const jobs = mapping(
  "an object of jobs",
  processName,
  record("an object with command and schedule", {
    command,
    schedule: text(
      "a schedule as systemd's OnCalendar has it, such as *-*-* 02:30, Mon..Fri 08:00 Europe/Berlin or *:0/5",
      isSchedule,
    ),
    perHost: v.exactOptional(rule("true or false", isBoolean)),
    deadlineSeconds: v.exactOptional(integerIn(values.commandSeconds)),
    persistent: v.exactOptional(rule("true or false", isBoolean)),
  }),
);

/** A job and a process have units of one name. */
export function checkJobNames(given: { readonly processes?: unknown; readonly jobs?: unknown }) {
  const { processes, jobs } = given;
  if (!isRecord(processes) || !isRecord(jobs)) return [];
  return Object.keys(jobs)
    .filter((name) => Object.hasOwn(processes, name))
    .map((name) => ({
      path: `jobs.${name}`,
      message: unexpected("a name that no process has", name),
    }));
}

const applicationName = text(
  "a name of at most 31 lower-case letters, digits and hyphens that starts with a letter and names no other service, user, group or folder of the system",
  (value) => /^[a-z][a-z0-9-]{0,30}$/.test(value) && !isTakenName(value),
);

export const applicationOptions = {
  name: applicationName,
  source: text("a folder", (value) => /^[^\0]+$/.test(value)),
  build: v.exactOptional(
    record("an object with command and output", {
      command: text("a command", (value) => value.trim() !== ""),
      output: text("a folder", (value) => /^[^\0]+$/.test(value)),
    }),
  ),
  runtime: v.exactOptional(runtime),
  start: v.exactOptional(command),
  release: v.exactOptional(releaseCommand),
  processes: v.exactOptional(processes),
  jobs: v.exactOptional(jobs),
  console: v.exactOptional(command),
  strategy: v.exactOptional(strategy),
  packages: v.exactOptional(packages),
  environment: v.exactOptional(environment),
  assets: v.exactOptional(
    record("an object with keepVersions and immutable", {
      keepVersions: v.exactOptional(integerIn(values.keptVersions)),
      immutable: v.exactOptional(list("a list of addresses", immutablePath)),
    }),
  ),
  unit: v.exactOptional(
    record("an object with allow and rawLines", {
      allow: v.exactOptional(
        list("a list of names", rule(`one of ${Object.keys(allowances).join(", ")}`, isAllowed)),
      ),
      rawLines: v.exactOptional(
        list(
          "a list of lines",
          text(
            "a line of a unit's [Service] section, as MemoryMax=1G, that the unit does not have already",
            isUnitLine,
          ),
        ),
      ),
    }),
  ),
  persistent: v.exactOptional(
    list(
      "a list of folders",
      text(
        `${values.folderPath.expected}, and not public itself`,
        (value) => values.folderPath.pattern.test(value) && value !== "public",
      ),
    ),
  ),
  shared: v.exactOptional(
    record("an object with folders", {
      folders: list("a list of folders", textOf(values.folderPath), 1),
      // It runs without privileges.
      port: v.exactOptional(integer(1024, 65535)),
    }),
  ),
  exclude: v.exactOptional(
    list(
      "a list of file names",
      text("a file name without /, or ./ and one", (value) => /^(\.\/)?[^/\0]+$/.test(value)),
    ),
  ),
  healthPath: v.exactOptional(urlPath),
  // Without privileges a process cannot listen below 1024.
  port: v.exactOptional(integer(1024, 65535)),
  drainSeconds: v.exactOptional(integerIn(values.drainSeconds)),
  readySeconds: v.exactOptional(seconds),
  stopSeconds: v.exactOptional(seconds),
};

const isDatabase = (value: unknown): value is false | { readonly name?: string } =>
  value === false || v.is(v.strictObject({ name: v.exactOptional(databaseOptions.name) }), value);

const { name: _, ...ofApplication } = applicationOptions;

/** What a stack says of an application besides: where it runs, and what is told of it. */
export const applicationPlace = {
  // Told to Prometheus, where a host has it.
  metrics: v.exactOptional(urlPath),
  hosts: v.exactOptional(list("a list of host names", hostName, 1)),
};

/** Applications of a stack, by name. */
export const applications = mapping(
  "an object of applications",
  applicationName,
  record("an object with source and start", {
    ...ofApplication,
    ...applicationPlace,
    domains: v.exactOptional(list("a list of domains", domain, 1)),
    paths: v.exactOptional(list("a list of paths", webPath, 1)),
    // The application whose domains have these paths.
    under: v.exactOptional(applicationName),
    database: v.exactOptional(rule("false, or an object with name", isDatabase)),
  }),
);

/** `cache` is told as `CACHE_HOST`; `DATABASE_HOST` and so on are the database's. */
const serviceName = text(
  "a name of at most 31 lower-case letters, digits and hyphens that starts with a letter and is not database",
  (value) => /^[a-z][a-z0-9-]{0,30}$/.test(value) && value !== "database",
);

const kinds = ["valkey", "redis", "memcached"] as const;

export const privateServiceOptions = {
  name: serviceName,
  kind: oneOf(...kinds),
  port: v.exactOptional(integer(1024, 65535)),
  tlsPort: v.exactOptional(integer(1024, 65535)),
  protocol: v.exactOptional(oneOf("tls", "plain")),
  passwordKeeper: v.exactOptional(keeper),
  authorityKeeper: v.exactOptional(keeper),
  memoryMegabytes: v.exactOptional(integer(8, 1_048_576)),
  persistent: v.exactOptional(rule("true or false", isBoolean)),
  packages: v.exactOptional(packages),
};

const { name: __, ...ofService } = privateServiceOptions;

/** Private services of a stack, by name. */
export const services = mapping(
  "an object of services",
  serviceName,
  record("an object with kind and hosts", {
    ...ofService,
    hosts: list("a list of host names", hostName, 1),
    applications: v.exactOptional(list("a list of names of applications", applicationName)),
  }),
);

function isAllowed(value: unknown): value is Allowed {
  return typeof value === "string" && Object.hasOwn(allowances, value);
}

function isUnitLine(line: string): boolean {
  const [, setting = ""] = /^([A-Za-z0-9]+)=[^\n\r\0]*(?<!\\)$/.exec(line) ?? [];
  return setting !== "" && !ownUnitSettings.includes(setting);
}

function isEnvironmentValue(value: unknown): value is string | number | boolean {
  return (
    (typeof value === "string" && !value.includes("\0")) ||
    (typeof value === "number" && Number.isFinite(value)) ||
    typeof value === "boolean"
  );
}
