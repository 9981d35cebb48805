/** An application: its files on every web server, and the unit that runs it there. */
import * as pulumi from "@pulumi/pulumi";
import * as v from "valibot";
import type { HostArgs } from "../provider/resources/host";
import type { Release } from "../provider/resources/release";
import { createReleases, defaultKeptVersions, versionOf } from "./application-release";
import { checkArgs, checkUnique, type Known, whenKnown } from "./check-args";
import type { Database } from "./database";
import { type LanguageArgs, languageOf } from "./dependencies";
import { checkDatabaseTexts, type Environment } from "./environment";
import type { Host } from "./host";
import type { JobArgs } from "./job";
import { declareListens, loopback, type OwnListen } from "./listens";
import { applicationOptions, checkJobNames, defaultPorts, webServerOptions } from "./options";
import { withDefaults } from "./packages";
import { checkPersistent, writtenPaths } from "./persistent";
import { type PhpFpmArgs, phpFpmOf, socketOf, withPhp } from "./php-fpm";
import type { ReachedService } from "./private-service";
import type { ProcessArgs } from "./process";
import { checkReleaseCommand, type ReleaseCommandsArgs } from "./release-command";
import type { UnitOptions } from "./render/confinement";
import type { FastCgi } from "./render/fastcgi";
import { nginxFiles } from "./render/nginx";
import { list, oneOf, shape, text } from "./rule";
import { address, domain, host, port, present, webPath } from "./rules";
import { checkStart } from "./runtime";
import { checkShared, createSharedFolders, sharedFolderListens } from "./shared-folders";
import { firstFile } from "./source-folder";
import { checkStrategy, type Strategy } from "./strategy";

export interface ApplicationArgs {
  /** Where it runs; a release goes through them in this order, and stops at the first that does not become healthy. */
  readonly hosts: readonly Host[];
  /**
   * Names the unit, the user and the folders: at most 31 lower-case letters, digits and hyphens, which is Debian's
   * limit for users.
   */
  readonly name: string;
  /** The folder of its files on this machine, relative to the project. Files in its `public` are served by Nginx itself. */
  readonly source: string;
  /** Run in the project's folder, once for each content of the source; `output` is the folder that is then released. */
  readonly build?: { readonly command: string; readonly output: string };
  /**
   * What runs it: `command`, which is `start`; `python`, `ruby` or `node`, the same with the packages of its lock file, made on the
   * hosts; or `php-fpm`, which is asked over FastCGI and runs `public/index.php` alone. An object with that name says more. Default
   * `command`.
   */
  readonly runtime?: "command" | "python" | "ruby" | "node" | "php-fpm" | LanguageArgs | PhpFpmArgs;
  /** The command that runs it, as words, in its folder: `["node", "server.js"]`. Not with the runtime `php-fpm`. */
  readonly start?: pulumi.Input<readonly pulumi.Input<string>[] | undefined>;
  /**
   * Run once for each version, on the first host that is not away, in the folder of the new version before any host serves it,
   * with the application's user and environment: a migration. Where it fails, nothing is switched. Default none.
   */
  readonly release?: ReleaseCommandsArgs;
  /**
   * Processes beside the one that serves, by name, on each host: same user, environment and limits. They are released with it: where one
   * does not become ready within `readySeconds`, all of the release is taken back. Default none.
   */
  readonly processes?: Readonly<Record<string, ProcessArgs>>;
  /**
   * Commands that are run at certain times, by name, as the application. Their names are no names of `processes`. Default none.
   */
  readonly jobs?: Readonly<Record<string, JobArgs>>;
  /** What `npm run console` opens, as words: `["bin/rails", "console"]`. Default: a shell. */
  readonly console?: readonly string[];
  /**
   * `one-by-one`: hosts get a new version one after the other. `{canary: {seconds, maxErrorRatio, percent}}`: the first that is not
   * away is watched for `seconds` (300, at most 600) before the others, with about `percent` of the requests (1 to 99; without it as many
   * as each other host has); it is taken back if more of its requests fail than `maxErrorRatio` (0.01), or one of its processes ends by itself. `all-at-once`: while the site is closed (503), for a version that cannot serve
   * beside the one before. Default `one-by-one`.
   */
  readonly strategy?: Strategy;
  /** What it needs: Debian package to `present`, or to a version or pattern as in `apt-get install nodejs=24.*`. Default none. */
  readonly packages?: pulumi.Input<Readonly<Record<string, pulumi.Input<string>>>>;
  /**
   * `allow` names what its processes, jobs and release command may do that is closed by default (a table in docs/settings.md):
   * `["namespaces"]`. `rawLines` end the `[Service]` section of their units: `["LimitNOFILE=65536"]`. Default none.
   */
  readonly unit?: UnitOptions;
  /**
   * Variables, names to texts, numbers or booleans, or to `{ database: "url" }` and the like, with the database's address and
   * credentials. Those that are secrets are kept in a file that only root reads.
   */
  readonly environment?: Environment;
  /** Told to it as `DATABASE_URL`, `DATABASE_READ_URL`, `DATABASE_PRIMARY_HOST`, `DATABASE_USER` and so on. Default none. */
  readonly database?: Database | undefined;
  /** Further services that it uses, each a `PrivateService`: told to it as `CACHE_HOST`, `CACHE_URL` and so on. Default none. */
  readonly services?: readonly ReachedService[] | undefined;
  /** What becomes of the files of `public`. */
  readonly assets?: {
    /** How many former versions' files are served beside those of the version in use, 1 to 20. Default 3. */
    readonly keepVersions?: number;
    /**
     * Addresses of files that never change under their name, `*` being any text and `?` one letter: `["/assets/*"]`. Browsers keep
     * them for a year, others for five minutes. Default: names that end as esbuild's do, in `-` and eight capitals and digits.
     */
    readonly immutable?: readonly string[];
  };
  /**
   * Folders in `source` that outlive versions: `["storage", "public/uploads"]`. In each version a link stands in their place, to
   * the folder of the same path below `/var/lib/NAME` (`STATE_DIRECTORY`), on each host. The first version fills a folder with
   * what it has there, later ones change nothing in it. Destroying the application leaves them. Default none.
   */
  readonly persistent?: readonly string[];
  /**
   * Which of `persistent` have the same content on all hosts: what one host writes, the others have some seconds later, by Syncthing on
   * each of them (Debian's package), which listens on `port` of the host's address. Default none; `port` 22000.
   */
  readonly shared?: { readonly folders: readonly string[]; readonly port?: number };
  /**
   * Names of files and folders in `source` that make no other version and are not sent; `./NAME` is only the one in `source` itself. Default `.git`; with a build,
   * whose output is sent whole, `node_modules` as well, and with the runtime of a language what its tools make.
   */
  readonly exclude?: readonly string[];
  /**
   * Paths below which it answers, where others answer the rest of the site: `["/shop"]`. It is asked with them: for `/shop/cart`. Its
   * `public/app.css` is at `/shop/app.css`. Default: it has a site of its own.
   */
  readonly paths?: readonly string[];
  /** A path at which it answers 200 to 299 when it can serve; a redirect is none. Default `/healthz`, below the first of `paths`. */
  readonly healthPath?: pulumi.Input<string>;
  /** On 127.0.0.1, told to it as `PORT`, with `HOST`. 1024 or more, as it runs without privileges. Default 3000. */
  readonly port?: pulumi.Input<number>;
  /** How long the load balancer may take to notice that a host drains, at most 600. Default 3: it asks every second, over TLS every two. */
  readonly drainSeconds?: pulumi.Input<number>;
  /** How long it may take to become healthy. Default 60. */
  readonly readySeconds?: pulumi.Input<number>;
  /**
   * How long requests under way may take when it is stopped: it gets its signal only when they have ended or the time is
   * over, and may then take as long again. Default 30.
   */
  readonly stopSeconds?: pulumi.Input<number>;
  /** Sent as `Host` when it is asked for its health. Default: its address. */
  readonly domain?: pulumi.Input<string>;
  /** Sent as `X-Forwarded-Proto` then: how visitors reach it. Default `http`. */
  readonly scheme?: pulumi.Input<"http" | "https">;
  /** Where Nginx is beside it. Default 80. */
  readonly webPort?: number | undefined;
  /** What Nginx lets through, told to PHP. Default 10. */
  readonly uploadLimitMegabytes?: pulumi.Input<number> | undefined;
  /**
   * Asked whether another server can serve before a host is drained: any that says so is enough. `host` is how one is reached over SSH,
   * needed where the strategy has a `percent`: that is set in its HAProxy. Default: nobody is asked.
   */
  readonly loadBalancers?: readonly {
    readonly address: pulumi.Input<string>;
    readonly statsPort?: pulumi.Input<number>;
    readonly host?: HostArgs;
  }[];
  /** The backend of HAProxy that leads to it, of which they are asked. Default `web_servers`. */
  readonly backend?: string | undefined;
  /** `shared`: Nginx serves other applications on its hosts as well, and only its own connections are waited for. Default `own`. */
  readonly webServer?: "own" | "shared" | undefined;
}

/**
 * An application under its own user and a hardened unit, released one host after the other with no request lost.
 *
 *     new Application("shop", { hosts, name: "shop", source: "./shop", start: ["python3", "serve.py"] });
 */
export class Application extends pulumi.ComponentResource {
  /** `shop.service` */
  readonly unit: string;
  /** On 127.0.0.1 of each host. */
  readonly port: pulumi.Output<number>;
  /** Answers 200 when the application can serve. */
  readonly healthPath: pulumi.Output<string>;
  /** How it is asked where its runtime is `php-fpm`. */
  readonly fastCgi: FastCgi | undefined;
  /** The folder on each host whose files Nginx serves itself. */
  readonly publicFolder: string;
  /** The static files of the version that comes and of those before: pages of all of them are open in browsers. */
  readonly otherPublicFolders: readonly string[];
  /** Below which it answers, if others have the rest of the site. */
  readonly paths: readonly string[];
  /** Paths at which files are served that the application writes itself: `/uploads`. */
  readonly writtenPaths: readonly string[];
  /** Those of them that its hosts have from each other. */
  readonly sharedPaths: readonly string[];
  /** Addresses of files that never change under their name. */
  readonly immutablePaths: readonly string[] | undefined;
  /** Exists on a host while it drains. */
  readonly drainFile: string;
  /** Where Nginx notes its requests. */
  readonly accessLog: string;
  /** 16 hexadecimal digits: the same content is the same version. */
  readonly version: string;
  /** The address of one file of `publicFolder`, if it has any. */
  readonly staticPath: pulumi.Output<string | undefined>;
  /** Host name to what was released there. */
  readonly releases: Readonly<Record<string, Release>>;
  /** Whether hosts take a version while all are drained. */
  readonly isReleasedTogether: boolean;
  readonly listens: pulumi.Output<readonly OwnListen[]>;

  constructor(name: string, args: ApplicationArgs, opts?: pulumi.ComponentResourceOptions) {
    super("trilithon:components:Application", name, {}, opts);
    const check = { component: `Application ${name}`, entries, plain: plainArgs };
    checkArgs(check, args, () => [
      ...checkUnique("hosts", "a host that is not in the list before", args.hosts),
      ...checkJobNames(args),
      ...checkPersistent(args),
      ...checkShared(args),
      ...checkDatabaseTexts(args),
      ...checkStart(args),
      ...checkReleaseCommand(args),
      ...checkStrategy(args),
    ]);
    const options = whenKnown(check, optionsOf(args));
    const others = whenKnown(check, othersOf(args));
    this.unit = `${args.name}.service`;
    this.port = options.port;
    this.healthPath = options.healthPath;
    const php = phpFpmOf(args.runtime);
    const { paths = [] } = args;
    this.paths = paths;
    this.fastCgi = php && { socket: socketOf(args.name), entryScripts: php.entryScripts };
    this.publicFolder = `/srv/${args.name}/current/public`;
    const written = writtenPaths(args.persistent ?? []);
    const served = (below: readonly string[]) =>
      basesOf(args).flatMap((base) => below.map((path) => `${base}${path}`));
    this.writtenPaths = served(written);
    this.sharedPaths =
      args.hosts.length > 1 ? served(writtenPaths(args.shared?.folders ?? [])) : [];
    this.drainFile = `/run/${args.name}.drain`;
    const isFurther = args.backend !== undefined;
    this.accessLog = isFurther ? nginxFiles.accessLogOf(args.name) : nginxFiles.accessLog;
    this.version = versionOf(args);
    this.otherPublicFolders = [`/srv/${args.name}.assets/current`, ...formerFolders(args)];
    this.immutablePaths = args.assets?.immutable;
    this.isReleasedTogether = args.strategy === "all-at-once";
    this.releases = createReleases(this, name, args, { ...options, others });
    const { name: own, hosts } = args;
    const { folders = [], port: sharedPort = defaultPorts.shared } = args.shared ?? {};
    const shared = { name: own, hosts, paths: folders, port: sharedPort };
    const isShared = args.shared !== undefined && hosts.length > 1;
    if (isShared) createSharedFolders(this, name, { ...shared, after: this.releases });
    this.listens = declareListens([
      ...(php === undefined ? serverListens(this, args) : []),
      ...(isShared ? sharedFolderListens(shared) : []),
    ]);
    const released = Object.values(this.releases).map(({ urn }) => urn);
    const folder = args.build?.output ?? args.source;
    this.staticPath = pulumi
      .all(released)
      .apply(() => firstFile(`${folder}/public`, written))
      .apply((file) => file && `${basesOf(args)[0]}${file}`);
    this.registerOutputs({ version: this.version });
  }
}

/** Only Nginx beside it is to reach it. */
function serverListens({ port, unit }: Application, { hosts }: ApplicationArgs) {
  const server = { address: loopback, port, protocol: "tcp", what: "application", unit } as const;
  return hosts.map(({ name: host }) => ({ host, ...server, for: {} }));
}

const entries = {
  ...applicationOptions,
  hosts: list("a list of hosts", host, 1),
  domain: v.optional(domain),
  scheme: v.optional(oneOf("http", "https")),
  webPort: v.optional(port),
  uploadLimitMegabytes: v.optional(webServerOptions.uploadLimitMegabytes.wrapped),
  loadBalancers: v.optional(
    list(
      "a list of load balancers",
      shape("an object with address", { address, statsPort: v.optional(port) }),
    ),
  ),
  backend: v.optional(text("the name of a backend", (value) => /^[a-z0-9_-]+$/.test(value))),
  paths: v.optional(list("a list of paths", webPath)),
  webServer: v.optional(oneOf("own", "shared")),
  services: v.optional(
    list(
      "a list of services",
      shape("a PrivateService", { ready: present, environmentFor: present }),
    ),
  ),
  database: v.optional(shape("a Database", { ready: present, environmentFor: present })),
};

/** They name the unit and the files, or are read while the program runs. */
const plainArgs = [
  ...["hosts", "hosts.name", "loadBalancers", "name", "source", "exclude", "database"],
  ...["build", "build.command", "build.output", "release", "processes", "jobs", "console"],
  ...["strategy", "assets", "assets.keepVersions", "assets.immutable", "persistent"],
  ...["unit", "unit.allow", "unit.rawLines", "backend", "webServer", "services", "runtime"],
  ...["shared", "shared.folders", "shared.port", "paths"],
];

/** What stands before the path of a file in `public`. */
function basesOf({ paths = [] }: ApplicationArgs): readonly string[] {
  return paths.length > 0 ? paths : [""];
}

function optionsOf(args: ApplicationArgs) {
  const packages = withDefaults(languageOf(args)?.packages ?? {}, args.packages);
  return {
    start: args.start,
    packages: phpFpmOf(args.runtime) ? packages.apply(withPhp) : packages,
    healthPath: args.healthPath ?? `${basesOf(args)[0]}/healthz`,
    port: args.port ?? defaultPorts.application,
    drainSeconds: args.drainSeconds ?? 3,
    readySeconds: args.readySeconds ?? 60,
    stopSeconds: args.stopSeconds ?? 30,
  };
}

/** A version that failed is never among them, as it never served. */
function formerFolders({ name, assets }: ApplicationArgs): readonly string[] {
  return Array.from(
    { length: assets?.keepVersions ?? defaultKeptVersions },
    (_, at) => `/srv/${name}/previous${at === 0 ? "" : `-${at + 1}`}/public`,
  );
}

export type Options = Known<ReturnType<typeof optionsOf>>;

/** What runs beside the process that serves. */
function othersOf({ release, processes = {}, jobs = {} }: ApplicationArgs) {
  return { release, processes, jobs };
}

export type Others = Known<ReturnType<typeof othersOf>>;
