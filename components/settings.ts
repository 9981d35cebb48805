/** The stack's settings: the one reader of `pulumi.Config`, and the one place with their defaults. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import * as v from "valibot";
import { secretVariables } from "./acme-challenge";
import { writePath } from "./check-args";
import type { DatabaseText } from "./database-text";
import { type Environment, isDatabaseEntry } from "./environment";
import type { Fault } from "./expectation";
import { isRecord } from "./rule";
import { checkAgreement } from "./settings/agreement";
import { backupSecrets } from "./settings/backup";
import { secretsOfMonitoring } from "./settings/monitoring";
import { findOpenVariables } from "./settings/open-variables";
import { type Settings, settings } from "./settings/schema";

export type { ContainerSettings, HostSettings, Role, Settings } from "./settings/schema";

const namespace = "trilithon";

type Values = Readonly<Record<string, unknown>>;

type WithEnvironment<Application> = Omit<Application, "environment"> & {
  readonly environment: Environment;
};

export interface StackSettings extends Omit<Settings, "application" | "applications"> {
  /** Has the stack's domain and database, and all requests that are for no other. */
  readonly application: WithEnvironment<Settings["application"]>;
  /** Those beside it. */
  readonly applications: Readonly<Record<string, FurtherApplication>>;
}

export type FurtherApplication = Omit<
  WithEnvironment<Settings["applications"][string]>,
  "domains"
> & {
  /** With `paths`, those of the site that has them. */
  readonly domains: readonly string[];
};

/** Reads the settings of the stack; an empty one is as none. Throws one error with all faults, before anything is made. */
export function readSettings(): StackSettings {
  const prefix = `${namespace}:`;
  const values = Object.fromEntries(
    Object.entries(pulumi.runtime.allConfig())
      .filter(([key, value]) => key.startsWith(prefix) && value !== "")
      .map(([key, value]) => [key.slice(prefix.length), parseValue(value)]),
  );
  const secretKeys = readSecretKeys();
  const result = parseSettings(values, secretKeys);
  if ("settings" in result) {
    return arrange(result.settings, values.application !== undefined, secretKeys);
  }
  const count = result.faults.length === 1 ? "a fault" : `${result.faults.length} faults`;
  throw new pulumi.RunError(`the stack's settings have ${count}:\n${result.faults.join("\n")}`);
}

/** Settings, or all faults, a line each: `trilithon:hosts[1].port: expected an integer from 1 to 65535, got "ssh"`. */
export function parseSettings(
  values: Values,
  /** Full names of the settings that are secret; not given where it cannot be known. */
  secretKeys?: readonly string[],
): { readonly settings: Settings } | { readonly faults: readonly string[] } {
  const parsed = v.safeParse(settings, values);
  const faults = [
    ...(parsed.issues ?? []).map(({ path, message }) => ({ path: writePath(path), message })),
    ...checkAgreement(values),
    ...(secretKeys ? checkSecret(values, secretKeys) : []),
  ];
  if (parsed.success && faults.length === 0) return { settings: parsed.output };
  return { faults: faults.map(({ path, message }) => `${namespace}:${path}: ${message}`) };
}

/** Without an `application`, the one of `applications` that has no domains of its own stands for it. */
function arrange(
  { application, applications, ...rest }: Settings,
  hasApplication: boolean,
  secretKeys: readonly string[] | undefined,
): StackSettings {
  const all = Object.entries(applications).map(([name, { environment, ...one }]) => {
    const path = [`${namespace}:applications`, name];
    return [name, { ...one, environment: keepSecret(environment, path, secretKeys) }] as const;
  });
  const further = all.flatMap(([name, one]) => {
    const domains = domainsOf(one, applications, rest.domain);
    return domains === undefined ? [] : [[name, { ...one, domains }] as const];
  });
  const [promoted] = hasApplication
    ? []
    : all.filter(([, { domains, paths }]) => domains === undefined && paths === undefined);
  const environment = keepSecret(application.environment, [`${namespace}:application`], secretKeys);
  return {
    ...rest,
    application: promoted ? promote(promoted) : { ...application, environment },
    applications: Object.fromEntries(further),
  };
}

/** `undefined`: it may stand in the first one's place. */
function domainsOf(
  { domains, paths, under }: Pick<Settings["applications"][string], "domains" | "paths" | "under">,
  applications: Settings["applications"],
  domain: string,
): readonly string[] | undefined {
  if (paths === undefined) return domains;
  return (under !== undefined && applications[under]?.domains) || [domain];
}

function promote([name, { domains: _, database: __, packages = {}, ...one }]: readonly [
  string,
  WithEnvironment<Settings["applications"][string]>,
]): StackSettings["application"] {
  return { ...one, name, packages };
}

/** Where it cannot be told which variable is a secret, each of them is. */
function keepSecret(
  environment: Settings["application"]["environment"] = {},
  path: readonly string[],
  secretKeys: readonly string[] | undefined,
): Environment {
  const hasSecret = secretKeys === undefined || path.some((key) => secretKeys.includes(key));
  const open = hasSecret
    ? findOpenVariables(environment, readSettingsFile(), path)
    : Object.keys(environment);
  const variables = Object.entries(environment).map(
    ([name, value]) => [name, open.includes(name) ? value : hidden(value)] as const,
  );
  return Object.fromEntries(variables);
}

function hidden(value: string | number | boolean | DatabaseText): Environment[string] {
  return isDatabaseEntry(value)
    ? { database: pulumi.secret(value.database) }
    : pulumi.secret(value);
}

/** Beside Pulumi.yaml, where Pulumi keeps it unless it is told another place. Some language hosts do not tell that folder. */
function readSettingsFile(): string | undefined {
  const name = `Pulumi.${pulumi.getStack()}.yaml`;
  const files = [pulumi.getRootDirectory(), process.cwd()].map((folder) => join(folder, name));
  const file = files.find((path) => existsSync(path));
  return file && readFileSync(file, "utf8");
}

function checkSecret(values: Values, secretKeys: readonly string[]): readonly Fault[] {
  const hosts = Array.isArray(values.hosts) ? values.hosts : [];
  const https = isRecord(values.https) ? values.https : {};
  const certificates = Array.isArray(https.certificates) ? https.certificates : [];
  const { challenge } = isRecord(https.acme) ? https.acme : {};
  const users = isRecord(values.edge) && isRecord(values.edge.users) ? values.edge.users : {};
  const given = [
    { key: "privateKey", path: "privateKey", value: values.privateKey },
    { key: "https", path: "https.key", value: https.key },
    ...certificates.map((one: unknown, index) => {
      const value = isRecord(one) ? one.key : undefined;
      return { key: "https", path: `https.certificates[${index}].key`, value };
    }),
    ...secretVariables(challenge).map((name) => {
      const path = `https.acme.challenge.dns-01.environment.${name}`;
      return { key: "https", path, value: name };
    }),
    ...backupSecrets(values.backup),
    ...Object.entries(users).map(([name, value]) => {
      return { key: "edge", path: `edge.users.${name}`, value };
    }),
    ...secretsOfMonitoring(values.monitoring).map(({ path, value }) => {
      return { key: "monitoring", path: `monitoring.${path}`, value };
    }),
    ...hosts.map((host: unknown, index) => {
      const value = isRecord(host) ? host.privateKey : undefined;
      return { key: "hosts", path: `hosts[${index}].privateKey`, value };
    }),
  ];
  const isPlain = (key: string) => !secretKeys.includes(`${namespace}:${key}`);
  return given
    .filter(({ key, value }) => value !== undefined && isPlain(key))
    .map(({ path }) => ({
      path,
      message: `expected a secret, got plain text: set it with pulumi config set --secret --path '${namespace}:${path}' < KEYFILE`,
    }));
}

/** Lists and objects come as JSON. */
function parseValue(value: string): unknown {
  if (!/^[[{]/.test(value)) return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

/** The language host tells it here; the SDK has no public way to ask. */
function readSecretKeys(): readonly string[] | undefined {
  const json = process.env.PULUMI_CONFIG_SECRET_KEYS;
  return json ? v.parse(v.array(v.string()), JSON.parse(json)) : undefined;
}
