/** PHP-FPM as the runtime of an application. */
import * as pulumi from "@pulumi/pulumi";
import * as v from "valibot";
import { unexpected } from "./expectation";
import { type MakingArgs, making } from "./making";
import { scriptFor } from "./render/fastcgi";
import { askOverFastCgi, describePhpFpm, renderPhpFpm } from "./render/php-fpm";
import { splitPath } from "./render/web-paths";
import { integer, isRecord, list, mapping, oneOf, record, text } from "./rule";
import type { Runtime } from "./runtime";

/** PHP-FPM, and how much of it. */
export interface PhpFpmArgs {
  /** `php-fpm` */
  readonly name: "php-fpm";
  /** Requests that are answered at the same time, at most 1000; others wait. Default 10. */
  readonly children?: number;
  /** PHP's `memory_limit`: what one request may use, at most 65536. Default 128. */
  readonly memoryMegabytes?: number;
  /**
   * Scripts in `public` that are run when they are asked for, `*` for any name in a folder: `["wp-login.php", "wp-admin/*.php"]`.
   * Default none: every request for which there is no file is answered by `public/index.php`.
   */
  readonly entryScripts?: readonly string[];
  /** Directives of php.ini, names to values: `{ "date.timezone": "Europe/Berlin" }`. Default none. */
  readonly ini?: Readonly<Record<string, string | number>>;
  /**
   * `composer`: the packages of `composer.lock` are made on the hosts, in `vendor`; an object says how they are made. Default: `vendor`
   * is sent as the rest is.
   */
  readonly dependencies?: "composer" | MakingArgs;
}

const dependencies: v.GenericSchema<unknown, "composer" | MakingArgs> = v.lazy((value) =>
  isRecord(value) ? making : oneOf("composer"),
);

export const phpFpm = record("an object with name", {
  name: oneOf("php-fpm"),
  children: v.exactOptional(integer(1, 1000)),
  memoryMegabytes: v.exactOptional(integer(16, 65_536)),
  entryScripts: v.exactOptional(
    list(
      "a list of scripts",
      text("a path below public such as wp-login.php or wp-admin/*.php", (value) =>
        /^(?!.*\.\.)([A-Za-z0-9_*][A-Za-z0-9._*-]*\/)*[A-Za-z0-9_*][A-Za-z0-9._*-]*\.php$/.test(
          value,
        ),
      ),
    ),
  ),
  ini: v.exactOptional(
    mapping(
      "an object of directives",
      text("the name of a directive of php.ini", (value) => /^[a-z][a-z0-9._-]*$/i.test(value)),
      v.union(
        [text("one line of text", (value) => /^[^\n\r\0"]*$/.test(value)), integer(-1, 2 ** 40)],
        ({ input }) => unexpected("one line of text without quotes, or an integer", input),
      ),
    ),
  ),
  dependencies: v.exactOptional(dependencies),
});

/** The runtime of an application over FastCGI, if it is one. */
export function phpFpmOf(runtime: Runtime | undefined) {
  const given = typeof runtime === "object" ? runtime : { name: runtime };
  if (given.name !== "php-fpm") return undefined;
  return { children: 10, memoryMegabytes: 128, entryScripts: [], ini: {}, ...given };
}

export type PhpFpm = NonNullable<ReturnType<typeof phpFpmOf>>;

export function socketOf(name: string): string {
  return `/run/${name}/php-fpm.sock`;
}

/** PHP as Debian has it, where no version of it is named: `php8.4-fpm`. */
export function withPhp(
  packages: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  return versionNamed(packages) === undefined ? { "php-fpm": "present", ...packages } : packages;
}

/** `8.4`, from the name of a package or from the version of Debian's `php-fpm`. */
function versionNamed(packages: Readonly<Record<string, string>>): string | undefined {
  const names = Object.keys(packages).map((name) => /^php(\d+\.\d+)-fpm$/.exec(name)?.[1]);
  return names.find((version) => version !== undefined);
}

/** `8.4`, of what is installed. */
export function phpVersionOf(installed: Readonly<Record<string, string>>): string {
  const version =
    versionNamed(installed) ?? /^(?:\d+:)?(\d+\.\d+)/.exec(installed["php-fpm"] ?? "")?.[1];
  if (version !== undefined) return version;
  throw new pulumi.RunError(
    `packages: expected a version of PHP from the package php-fpm, got ${installed["php-fpm"]}: name one, such as php8.4-fpm`,
  );
}

interface Place {
  readonly name: string;
  readonly publicFolder: string;
  /** Package to the version that is installed. */
  readonly installed: pulumi.Output<Readonly<Record<string, string>>>;
  readonly stopSeconds: pulumi.Input<number>;
  readonly uploadLimitMegabytes: pulumi.Input<number>;
  /** Below which it answers; none where it has a site of its own. */
  readonly paths: readonly string[];
}

/** Its unit, its file, and what asks it for its health. */
export function createPhpFpm(
  { children, memoryMegabytes, entryScripts, ini }: PhpFpm,
  { name, publicFolder, installed, stopSeconds, uploadLimitMegabytes, paths }: Place,
) {
  const socket = socketOf(name);
  const configurationFile = `/etc/${name}/php-fpm.conf`;
  const values = Object.fromEntries(Object.entries(ini).map(([key, value]) => [key, `${value}`]));
  return {
    unit: installed.apply((versions) =>
      describePhpFpm({ name, version: phpVersionOf(versions), configurationFile }),
    ),
    files: {
      [configurationFile]: {
        content: pulumi
          .all([stopSeconds, uploadLimitMegabytes])
          .apply(([stopSeconds, uploadLimitMegabytes]) =>
            renderPhpFpm({
              ...{ name, socket, children, memoryMegabytes, ini: values },
              ...{ stopSeconds, uploadLimitMegabytes },
            }),
          ),
      },
    },
    ready: (path: string, host: string, scheme: "http" | "https") => {
      const [base, below] = splitPath(path, paths);
      const script = scriptFor(below, { entryScripts });
      return askOverFastCgi({ socket, publicFolder, path, host, scheme, base, script });
    },
  };
}
