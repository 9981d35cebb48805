/** The environment in which Pulumi's CLI runs, for any stack: start, tests and benchmark all take it from here. */
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { opens } from "./passphrase";

/** A stack of its own: several can run side by side. */
export interface StackPlace {
  readonly stack: string;
  /** The folder of Pulumi.yaml and Pulumi.<stack>.yaml. */
  readonly project: string;
  /** The folder that keeps the state, or the URL of a backend such as `s3://state`. */
  readonly backend: string;
  /** It keeps secrets: the passphrase of `dev` and `ha`, which is published, must never be tried on it. */
  readonly hasOwnPassphrase?: boolean;
}

/** The checkout. */
export const root = resolve(__dirname, "..", "..");

/** What set-up makes in the checkout; never committed. */
export const localFolder = join(root, ".trilithon");

/** Holds `pulumi` and its language host; may be put on a shell's PATH. */
export const cliFolder = join(localFolder, "bin");

export const pulumiHome = join(localFolder, "pulumi-home");

/** Written where stand-ins serve instead of the official plugins; `components/container-hosts.ts` looks for it too. */
export const standInsMarker = join(pulumiHome, "stand-ins.json");

/** Downloads and builds that checkouts share. */
export const cacheFolder = join(
  process.env.XDG_CACHE_HOME || join(homedir(), ".cache"),
  "trilithon",
);

export const devStack: StackPlace = {
  stack: "dev",
  project: root,
  backend: join(localFolder, "state"),
};

/** Lets the program start fast. */
const preload = join(root, "scripts", "program", "preload.cjs");

/** As many resources at once as there are: the plugin asks a host for all of them in one round trip. */
const parallel = "1024";

/** Guards nothing but local containers, as those of `dev` and `ha`; any other stack of the checkout has one of its own. */
const publishedPassphrase = "trilithon-dev";

const open = new Map<string, boolean>();

/** Whether a stack has the published passphrase, as its settings file tells. Asked at most once, as it takes a part of a second. */
export function hasPublishedPassphrase(settingsFile: string): boolean {
  const known = open.get(settingsFile);
  if (known !== undefined) return known;
  const isOpen =
    existsSync(settingsFile) && opens(readFileSync(settingsFile, "utf8"), publishedPassphrase);
  open.set(settingsFile, isOpen);
  return isOpen;
}

export function pulumiEnvironment(
  { stack, project, backend, hasOwnPassphrase = false }: StackPlace,
  outer: NodeJS.ProcessEnv = process.env,
): NodeJS.ProcessEnv {
  const isGiven =
    outer.PULUMI_CONFIG_PASSPHRASE !== undefined || outer.PULUMI_CONFIG_PASSPHRASE_FILE;
  // A passphrase in the environment is mostly another stack's.
  const isPublished =
    project === root && hasPublishedPassphrase(join(project, `Pulumi.${stack}.yaml`));
  const hasPassphrase = hasOwnPassphrase || (isGiven && !isPublished);
  return {
    ...outer,
    PATH: [cliFolder, outer.PATH].join(delimiter),
    PULUMI_HOME: pulumiHome,
    PULUMI_STACK: stack,
    PULUMI_BACKEND_URL: backendUrl(backend),
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_NODEJS_TRANSPILE_ONLY: "true",
    PULUMI_PARALLEL: outer.PULUMI_PARALLEL ?? parallel,
    // Quoted as JSON is: a path may hold spaces.
    NODE_OPTIONS: [outer.NODE_OPTIONS, `--require ${JSON.stringify(preload)}`].join(" ").trim(),
    ...(hasPassphrase ? {} : { PULUMI_CONFIG_PASSPHRASE: publishedPassphrase }),
    ...(existsSync(standInsMarker) ? { PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: "true" } : {}),
    ...(outer.PULUMI_OPTION_REFRESH === undefined &&
    !mayHaveContainers(join(project, `Pulumi.${stack}.yaml`))
      ? { PULUMI_OPTION_REFRESH: "false" }
      : {}),
  };
}

/**
 * Containers change behind the docker plugin's back, so each preview asks for them (`refresh: always` in Pulumi.yaml).
 * Our own plugin has what it serves read in any case, and without containers the rest costs a third of a second for nothing.
 */
function mayHaveContainers(settings: string): boolean {
  return !existsSync(settings) || readFileSync(settings, "utf8").includes("trilithon:containers");
}

export function backendUrl(backend: string): string {
  return backend.includes("://") ? backend : `file://${backend}?metadata=skip`;
}
