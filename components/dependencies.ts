/** The packages of an application's language, which are made on the hosts from its lock file. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import * as v from "valibot";
import { type MakingArgs, making } from "./making";
import { phpVersionOf } from "./php-fpm";
import type { ProcessPlace } from "./process";
import { renderCommandUnit } from "./render/application-unit";
import { record, rule } from "./rule";
import type { Runtime } from "./runtime";
import { hashFolder } from "./source-folder";

export const languages = ["python", "ruby", "node"] as const;
type Language = (typeof languages)[number];

/** A language whose packages are made on the hosts. */
export interface LanguageArgs {
  /** `python`, `ruby` or `node`. */
  readonly name: "python" | "ruby" | "node";
  /**
   * How they are made. Default: from `requirements.txt`, `Gemfile.lock`, or `package-lock.json`, `yarn.lock` or `pnpm-lock.yaml` in
   * `source`; none where there is no such file.
   */
  readonly dependencies?: MakingArgs;
}

export const language = record("an object with name", {
  name: rule(`one of php-fpm, ${languages.join(", ")}`, isLanguage),
  dependencies: v.exactOptional(making),
});

function isLanguage(value: unknown): value is Language {
  return languages.some((one) => one === value);
}

interface Recipe {
  /** The first of them says whether there is anything to make. */
  readonly files: readonly string[];
  /** Files and folders that count where they are there. */
  readonly mayHave?: readonly string[];
  readonly command: readonly string[];
  readonly packages: Readonly<Record<string, string>>;
}

/** Package to the version that is installed. */
type Versions = Readonly<Record<string, string>>;

interface Traits {
  readonly recipes: readonly Recipe[];
  /** What of the installed packages runs it: another one needs others. */
  readonly runsOn: (installed: Versions) => string;
  /** What is made. */
  readonly link: string;
  /** Where programs are in it. */
  readonly programs?: string;
  /** Names that are of this machine, and are not sent. */
  readonly exclude: readonly string[];
  /** `version`: they lead to what is beside them, so each version has its own. */
  readonly beside?: "version";
  readonly variables: (
    port: pulumi.Output<number>,
    name: string,
  ) => Readonly<Record<string, pulumi.Input<string>>>;
}

/** With what a private registry needs. */
const npmSettings = [".npmrc"];

const nodePackages = { nodejs: "present", npm: "present" };

const traitsOf: Readonly<Record<Language | "php-fpm", Traits>> = {
  python: {
    recipes: [
      {
        files: ["requirements.txt"],
        command: [
          ...["sh", "-c"],
          "python3 -m venv .venv && .venv/bin/pip install --no-input --disable-pip-version-check -r requirements.txt",
        ],
        packages: { python3: "present", "python3-venv": "present" },
      },
    ],
    runsOn: versionOf("python3", /^\d+\.\d+/),
    link: ".venv",
    programs: ".venv/bin",
    exclude: [".git", ".venv", "__pycache__"],
    variables: (port) => ({
      // What it prints is in the journal at once.
      PYTHONUNBUFFERED: "1",
      // On 127.0.0.1 alone: by itself it takes PORT on all addresses.
      GUNICORN_CMD_ARGS: pulumi.interpolate`--bind=127.0.0.1:${port}`,
      UVICORN_HOST: "127.0.0.1",
      UVICORN_PORT: pulumi.interpolate`${port}`,
    }),
  },
  ruby: {
    recipes: [
      {
        files: ["Gemfile.lock", "Gemfile"],
        // Gems that are sent are not fetched, and a Gemfile may read its Ruby's version from a file.
        mayHave: ["vendor/cache", ".ruby-version"],
        command: ["bundle", "install"],
        packages: {
          ...{ ruby: "present", "ruby-dev": "present", "ruby-bundler": "present" },
          // Many gems are compiled.
          ...{ "build-essential": "present" },
        },
      },
    ],
    runsOn: versionOf("ruby", /^\d+\.\d+/),
    link: "vendor/bundle",
    exclude: [".git", ".bundle"],
    variables: (_port, name) => ({
      ...{ RAILS_ENV: "production", RACK_ENV: "production", BINDING: "127.0.0.1" },
      // Rails before 7.1 writes to a file in its folder by itself, where it may not.
      RAILS_LOG_TO_STDOUT: "true",
      // `rails server` and Bootsnap write to `tmp` in its folder by themselves.
      ...{ PIDFILE: "/tmp/server.pid", BOOTSNAP_CACHE_DIR: `/var/cache/${name}` },
      ...{ BUNDLE_PATH: "vendor/bundle", BUNDLE_DEPLOYMENT: "true" },
      BUNDLE_WITHOUT: "development:test",
    }),
  },
  node: {
    recipes: [
      {
        files: ["package-lock.json", "package.json"],
        mayHave: npmSettings,
        command: ["npm", "ci", "--omit=dev", "--no-audit", "--no-fund"],
        packages: nodePackages,
      },
      {
        files: ["yarn.lock", "package.json"],
        mayHave: npmSettings,
        command: ["yarnpkg", "install", "--production", "--frozen-lockfile", "--non-interactive"],
        packages: { nodejs: "present", yarnpkg: "present" },
      },
      {
        files: ["pnpm-lock.yaml", "package.json"],
        mayHave: [...npmSettings, "pnpm-workspace.yaml"],
        command: [
          ...["npx", "--yes", "pnpm", "install", "--prod", "--frozen-lockfile"],
          // What is made becomes root's: it must not be the cache's own files.
          "--package-import-method=copy",
        ],
        packages: nodePackages,
      },
    ],
    runsOn: versionOf("nodejs", /^\d+/),
    link: "node_modules",
    programs: "node_modules/.bin",
    exclude: [".git", "node_modules"],
    variables: () => ({ NODE_ENV: "production" }),
  },
  "php-fpm": {
    recipes: [
      {
        files: ["composer.lock", "composer.json"],
        command: [
          // Scripts of the application may need what is not there before its release command.
          ...["composer", "install", "--no-dev", "--no-scripts", "--optimize-autoloader"],
          ...["--no-interaction", "--no-progress", "--no-ansi"],
        ],
        packages: { composer: "present", unzip: "present" },
      },
    ],
    runsOn: (installed) => `php-${phpVersionOf(installed)}`,
    link: "vendor",
    programs: "vendor/bin",
    // Frameworks have others of this name further below, which are the application's own.
    exclude: [".git", "./vendor"],
    // Its autoloader finds the application's classes.
    beside: "version",
    variables: () => ({}),
  },
};

/** `python3-3.13` */
function versionOf(name: string, part: RegExp): Traits["runsOn"] {
  return (installed) => {
    const version = (installed[name] ?? "").replace(/^\d+:/, "");
    return `${name}-${part.exec(version)?.[0] ?? "any"}`;
  };
}

const noPackages: Readonly<Record<string, string>> = {};

/** What the language of an application brings, if it has one. */
export function languageOf({
  runtime,
  source,
}: {
  readonly runtime?: Runtime;
  readonly source: string;
}) {
  const given = typeof runtime === "object" ? runtime : { name: runtime };
  if (given.name === undefined || given.name === "command") return undefined;
  const own = "dependencies" in given ? given.dependencies : undefined;
  // Its packages may also be sent: they are the same on every machine.
  if (given.name === "php-fpm" && own === undefined) return undefined;
  const { recipes, programs, ...traits } = traitsOf[given.name];
  const isThere = ({ files: [lock = ""] }: Recipe) => existsSync(join(source, lock));
  const recipe = own === "composer" ? recipes[0] : recipes.find(isThere);
  const made = own === "composer" ? recipe : (own ?? recipe);
  return {
    ...traits,
    programs: made === undefined ? undefined : programs,
    packages: (recipe ?? recipes[0])?.packages ?? noPackages,
    making: made && { deadlineSeconds: 900, mayHave: [], ...made },
  };
}

export type LanguageTraits = NonNullable<ReturnType<typeof languageOf>>;

/** What a Release is told of them. */
export function describeDependencies(
  { making, link, runsOn, beside }: LanguageTraits,
  place: Pick<ProcessPlace, "name" | "root" | "environmentFiles"> & {
    readonly source: string;
    readonly version: string;
    /** Package to the version that is installed. */
    readonly installed: pulumi.Output<Readonly<Record<string, string>>>;
  },
) {
  const { name, root, environmentFiles, source, installed } = place;
  if (making === undefined) return undefined;
  const { command, files, mayHave, deadlineSeconds } = making;
  const filesIfAny = mayHave.filter((path) => existsSync(join(source, path)));
  const content = hashFiles(source, [...files, ...filesIfAny], command);
  const parts = beside === undefined ? [content] : [place.version, content];
  const key = installed.apply((versions) => [...parts, runsOn(versions)].join("-"));
  const unit = key.apply((known) => {
    const folder = `${root}/dependencies/${known}`;
    return renderCommandUnit({
      ...{ name, process: "dependencies", folder, command },
      lines: [`ReadWritePaths=${folder}`, ...cachesOf(name)],
    });
  });
  return {
    ...{ key, unit, deadlineSeconds, user: name, links: [link], ...(beside && { beside }) },
    ...{ command: [...command], files: [...files], environmentFiles: [...environmentFiles] },
    ...(filesIfAny.length > 0 && { filesIfAny }),
  };
}

/** Not in its home, which is worth a backup. */
function cachesOf(name: string): readonly string[] {
  const cache = `/var/cache/${name}`;
  return [
    `Environment=XDG_CACHE_HOME=${cache} XDG_DATA_HOME=${cache} npm_config_cache=${cache}/npm BUNDLE_USER_HOME=${cache}/bundle COMPOSER_HOME=${cache}/composer`,
  ];
}

function hashFiles(source: string, files: readonly string[], command: readonly string[]): string {
  const hash = createHash("sha256").update(JSON.stringify(command));
  for (const file of files) {
    const path = join(source, file);
    const content = contentOf(path);
    hash.update(`\0${file}\0${content.length}\0`).update(content);
  }
  return hash.digest("hex").slice(0, 12);
}

/** Of a folder that of all files in it. */
function contentOf(path: string): Buffer {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return Buffer.alloc(0);
  return found.isDirectory()
    ? Buffer.from(hashFolder(path, { excludedNames: [] }))
    : readFileSync(path);
}
