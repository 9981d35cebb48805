/** The packages of an application's language, which are made on the hosts from its lock file. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import * as v from "valibot";
import * as values from "../provider/schema/values";
import type { ProcessPlace } from "./process";
import { renderCommandUnit } from "./render/application-unit";
import { integerIn, list, record, rule, text } from "./rule";
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
  readonly dependencies?: {
    /** As words, run in an empty folder with `files` in it: `["sh", "-c", "..."]`. */
    readonly command: readonly string[];
    /** Files and folders of the source that it needs, and that a build leaves in its output: another content makes them anew. */
    readonly files: readonly string[];
    /** How long it may take, at most 86400. Default 900. */
    readonly deadlineSeconds?: number;
  };
}

const word = text("a word", (value) => /^[^\n\r\0]+$/.test(value));
const file = text("a path in the source, of letters, digits and . _ / -", (value) =>
  /^(?!.*\.\.)[A-Za-z0-9._][A-Za-z0-9._/-]*$/.test(value),
);

export const language = record("an object with name", {
  name: rule(`one of php-fpm, ${languages.join(", ")}`, isLanguage),
  dependencies: v.exactOptional(
    record("an object with command and files", {
      command: list("a command as a list of words", word, 1),
      files: list("a list of files", file, 1),
      deadlineSeconds: v.exactOptional(integerIn(values.commandSeconds)),
    }),
  ),
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

interface Traits {
  readonly recipes: readonly Recipe[];
  /** What runs it: another one of this package's versions needs others. */
  readonly runsOn: { readonly package: string; readonly version: RegExp };
  /** What is made. */
  readonly link: string;
  /** Where programs are in it. */
  readonly programs?: string;
  /** Names that are of this machine, and are not sent. */
  readonly exclude: readonly string[];
  readonly variables: (
    port: pulumi.Output<number>,
    name: string,
  ) => Readonly<Record<string, pulumi.Input<string>>>;
}

/** With what a private registry needs. */
const npmSettings = [".npmrc"];

const nodePackages = { nodejs: "present", npm: "present" };

const traitsOf: Readonly<Record<Language, Traits>> = {
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
    runsOn: { package: "python3", version: /^\d+\.\d+/ },
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
    runsOn: { package: "ruby", version: /^\d+\.\d+/ },
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
    runsOn: { package: "nodejs", version: /^\d+/ },
    link: "node_modules",
    programs: "node_modules/.bin",
    exclude: [".git", "node_modules"],
    variables: () => ({ NODE_ENV: "production" }),
  },
};

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
  if (given.name === undefined || given.name === "command" || given.name === "php-fpm") {
    return undefined;
  }
  const traits = traitsOf[given.name];
  const { recipes, link, programs, runsOn } = traits;
  const recipe = recipes.find(({ files: [lock = ""] }) => existsSync(join(source, lock)));
  const own = "dependencies" in given ? given.dependencies : undefined;
  const made = own ?? recipe;
  return {
    ...{ link, runsOn, exclude: traits.exclude, variables: traits.variables },
    programs: made === undefined ? undefined : programs,
    packages: (recipe ?? recipes[0])?.packages ?? noPackages,
    making: made && { deadlineSeconds: 900, mayHave: [], ...made },
  };
}

export type LanguageTraits = NonNullable<ReturnType<typeof languageOf>>;

/** What a Release is told of them. */
export function describeDependencies(
  { making, link, runsOn }: LanguageTraits,
  place: Pick<ProcessPlace, "name" | "root" | "environmentFiles"> & {
    readonly source: string;
    /** Package to the version that is installed. */
    readonly installed: pulumi.Output<Readonly<Record<string, string>>>;
  },
) {
  const { name, root, environmentFiles, source, installed } = place;
  if (making === undefined) return undefined;
  const { command, files, mayHave, deadlineSeconds } = making;
  const filesIfAny = mayHave.filter((path) => existsSync(join(source, path)));
  const content = hashFiles(source, [...files, ...filesIfAny], command);
  const key = installed.apply((versions) => {
    const version = (versions[runsOn.package] ?? "").replace(/^\d+:/, "");
    return `${content}-${runsOn.package}-${runsOn.version.exec(version)?.[0] ?? "any"}`;
  });
  const unit = key.apply((known) => {
    const folder = `${root}/dependencies/${known}`;
    return renderCommandUnit({
      ...{ name, process: "dependencies", folder, command },
      lines: [`ReadWritePaths=${folder}`, ...cachesOf(name)],
    });
  });
  return {
    ...{ key, unit, deadlineSeconds, user: name, links: [link] },
    ...{ command: [...command], files: [...files], environmentFiles: [...environmentFiles] },
    ...(filesIfAny.length > 0 && { filesIfAny }),
  };
}

/** Not in its home, which is worth a backup. */
function cachesOf(name: string): readonly string[] {
  const cache = `/var/cache/${name}`;
  return [
    `Environment=XDG_CACHE_HOME=${cache} XDG_DATA_HOME=${cache} npm_config_cache=${cache}/npm BUNDLE_USER_HOME=${cache}/bundle`,
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
