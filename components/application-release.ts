/** What an application releases on each of its hosts, and in which order. */
import * as pulumi from "@pulumi/pulumi";
import { Release } from "../provider/resources/release";
import type { Application, ApplicationArgs, Options, Others } from "./application";
import { createDatabaseAuthority, databaseVariables } from "./database-authority";
import { databaseUrls } from "./database-text";
import { describeDependencies, languageOf } from "./dependencies";
import { fillEnvironment, renderEnvironment } from "./environment";
import { type Host, isHere, onHost } from "./host";
import { describeJob } from "./job";
import { claimPackages, describeClaims, hasClaims } from "./job-claim";
import { defaultPorts } from "./options";
import { createPackages, withDefaults } from "./packages";
import { describePersistent } from "./persistent";
import { createPhpFpm, phpFpmOf } from "./php-fpm";
import { describeProcess } from "./process";
import { describeRelease } from "./release-command";
import { renderApplicationUnit } from "./render/application-unit";
import { backendOf } from "./render/haproxy-files";
import { nobodyConnected, nothingUnderWay, servesElsewhere } from "./render/probes";
import { createServiceAuthorities, serviceVariables } from "./service-authority";
import { hashFolder } from "./source-folder";
import { describeTogether, describeWatch } from "./strategy";

/** A browser may show a page for days; each is asked for only where the newer ones have no such file. */
export const defaultKeptVersions = 3;

/** 16 hexadecimal digits: the same content is the same version. */
export function versionOf(args: ApplicationArgs): string {
  const { source, build } = args;
  return hashFolder(source, {
    excludedNames: excludedNames(args),
    ...(build && { excludedFolder: build.output, salt: build.command }),
  });
}

function excludedNames(args: ApplicationArgs): readonly string[] {
  const { build, exclude } = args;
  return exclude ?? (build ? [".git", "node_modules"] : (languageOf(args)?.exclude ?? [".git"]));
}

/** What is sent: the output of the build as it is, or the source without what is excluded. */
function sourceOf(args: ApplicationArgs) {
  const { source, build } = args;
  return build
    ? { source: build.output, build: build.command, exclude: [".git"] }
    : { source, exclude: [...excludedNames(args)], versionOf: "content" as const };
}

/** One host after the other. */
export function createReleases(
  parent: Application,
  name: string,
  args: ApplicationArgs,
  options: Options & { readonly others: Others },
): Record<string, Release> {
  const releases: Record<string, Release> = {};
  const places = args.hosts.map((host) => {
    const packages = createPackages(parent, `${name}-${host.name}-packages`, host, {
      name: `${args.name}-packages`,
      packages: withDefaults(forSending, options.packages),
    });
    return { host, packages };
  });
  // Every host has the new version's static files before any serves its pages.
  const assets = places.map(({ host, packages }) =>
    createAssets(parent, `${name}-${host.name}-assets`, host, args, packages),
  );
  const here = args.hosts.filter(isHere);
  let before: pulumi.Resource[] = [];
  for (const { host, packages } of places) {
    const dependsOn = [
      packages,
      ...(hasClaims(args) ? [createClaimPackages(parent, name, host, args)] : []),
      ...createDatabaseAuthority(parent, `${name}-${host.name}`, host, args),
      ...createServiceAuthorities(parent, `${name}-${host.name}`, host, args),
      ...assets,
      // The database has to take writes.
      ...(args.database ? [args.database.ready] : []),
      ...(args.services ?? []).map(({ ready }) => ready),
      // One host after the other: the rest serve meanwhile, and a bad version reaches one host only.
      ...before,
    ];
    const runsWith = pulumi.all([packages.versions, options.packages]).apply(namedIn);
    const needs = { runsWith, dependsOn, isFirst: host === here[0], isLast: host === here.at(-1) };
    const release = createRelease(
      parent,
      `${name}-${host.name}`,
      host,
      { ...args, ...options },
      needs,
    );
    releases[host.name] = release;
    before = [release];
  }
  return releases;
}

/** By what versions are sent: with gzip alone it takes longer. */
const forSending = { zstd: "present" };

/** The application runs with its own packages alone. */
function namedIn([versions, packages]: readonly [
  Readonly<Record<string, string>>,
  Readonly<Record<string, string>>,
]): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(versions).filter(([name]) => name in packages));
}

/** Apart from the others: another version of them restarts nothing. A member of the database has its own version by then. */
function createClaimPackages(
  parent: Application,
  name: string,
  host: Host,
  { name: application, database }: ApplicationArgs,
) {
  const packages = { name: `${application}-job-packages`, packages: claimPackages };
  const after = database ? [database.ready] : [];
  return createPackages(parent, `${name}-${host.name}-job-packages`, host, packages, after);
}

/** What has to stay so that it can be served, and at least what a Release keeps for a way back. */
function keepVersions({ assets }: ApplicationArgs) {
  const previous = assets?.keepVersions ?? defaultKeptVersions;
  return { previous, ...(previous > 4 && { keep: previous }) };
}

function createAssets(
  parent: Application,
  name: string,
  host: Host,
  args: ApplicationArgs,
  packages: pulumi.Resource,
): Release {
  return new Release(
    name,
    {
      host: host.host,
      name: `${args.name}-assets`,
      root: `/srv/${args.name}.assets`,
      version: parent.version,
      ...sourceOf(args),
      part: "public",
      ahead: `/srv/${args.name}`,
    },
    onHost(host, parent, [packages]),
  );
}

interface Needs {
  readonly runsWith: pulumi.Output<Readonly<Record<string, string>>>;
  readonly dependsOn: readonly pulumi.Resource[];
  /** Of the hosts that are not away. */
  readonly isFirst: boolean;
  readonly isLast: boolean;
}

function createRelease(
  parent: Application,
  name: string,
  host: Host,
  args: ApplicationArgs & Options & { readonly others: Others },
  { runsWith, dependsOn, isFirst, isLast }: Needs,
): Release {
  const { port, healthPath, start, readySeconds, stopSeconds, drainSeconds } = args;
  const { loadBalancers = [], backend = backendOf().backend } = args;
  const root = `/srv/${args.name}`;
  const environmentFiles = {
    open: `/etc/${args.name}/environment`,
    secret: `/etc/${args.name}/secrets`,
  };
  const database = databaseVariables(args, host);
  const ofDatabase = args.database && { ...database, ...fillEnvironment(databaseUrls, database) };
  const php = phpFpmOf(args.runtime);
  const language = languageOf(args);
  const programs = language?.programs;
  const { publicFolder } = parent;
  const { uploadLimitMegabytes = 10 } = args;
  const fpm =
    php &&
    createPhpFpm(php, {
      ...{ name: args.name, publicFolder, installed: runsWith, stopSeconds, uploadLimitMegabytes },
      paths: parent.paths,
    });
  const environment = renderEnvironment({
    // Only Nginx beside it is to reach it.
    ...(php === undefined && { HOST: "127.0.0.1", PORT: port }),
    HOST_NAME: host.name,
    ...language?.variables(port, args.name),
    ...ofDatabase,
    ...serviceVariables(args, host),
    ...fillEnvironment(args.environment ?? {}, database),
  });
  const content = pulumi
    .all([{ start, stopSeconds }, fpm?.unit])
    .apply(([{ start = [], ...known }, unit]) =>
      renderApplicationUnit({
        start,
        ...known,
        ...unit,
        name: args.name,
        root,
        environmentFiles: Object.values(environmentFiles),
        programs,
        options: args.unit,
      }),
    );
  const place = {
    ...{ name: args.name, root, readySeconds, programs, options: args.unit },
    environmentFiles: Object.values(environmentFiles),
  };
  const runs = { place, host, hosts: args.hosts, version: parent.version };
  const { source } = args;
  const dependencies =
    language &&
    describeDependencies(language, {
      ...{ ...place, source, installed: runsWith, version: parent.version },
    });
  const isClaimed = hasClaims(args);
  const jobs = Object.entries(args.jobs ?? {}).filter(
    ([, { perHost }]) => isFirst || perHost || isClaimed,
  );
  const others = [
    ...Object.entries(args.processes ?? {}).map(([process, { count }]) =>
      describeProcess(process, { count, known: knownOf(args.others.processes, process) }, place),
    ),
    ...jobs.map(([job, { perHost }]) => {
      const run = isClaimed && !perHost ? "claimed" : "at once";
      return describeJob(job, knownOf(args.others.jobs, job), place, run);
    }),
  ];
  return new Release(
    name,
    {
      host: host.host,
      root,
      version: parent.version,
      ...sourceOf(args),
      ...keepVersions(args),
      unit: parent.unit,
      ...(others.length > 0 && {
        moreUnits: Object.fromEntries(
          others.flatMap(({ units, ready }) => units.map((unit) => [unit, { ready }])),
        ),
      }),
      runsWith,
      users: { [args.name]: root },
      files: {
        [`/etc/systemd/system/${parent.unit}`]: { content },
        ...Object.fromEntries(
          others
            .flatMap(({ files }) => Object.entries(files))
            .map(([file, content]) => [`/etc/systemd/system/${file}`, { content }]),
        ),
        ...fpm?.files,
        ...describeClaims(args, host),
        [environmentFiles.open]: { content: environment.open, format: "environment" },
        [environmentFiles.secret]: {
          ...{ content: environment.secret, mode: "0600", format: "environment" as const },
        },
      },
      ...(args.persistent && { persistent: describePersistent(args.name, args.persistent) }),
      ...(dependencies && { dependencies }),
      ...(isFirst &&
        args.release?.command && {
          releaseCommand: describeRelease(args.others.release, { ...runs, which: "command" }),
        }),
      ...(isLast &&
        args.release?.after && {
          afterCommand: describeRelease(args.others.release, { ...runs, which: "after" }),
        }),
      ...(isFirst && describeWatch({ ...args, host, backend, accessLog: parent.accessLog })),
      ...describeTogether(args.strategy, args.hosts),
      onChange: "restart",
      ready: fpm
        ? {
            command: pulumi
              .all([healthPath, args.domain ?? "127.0.0.1", args.scheme ?? "http"])
              .apply((question) => fpm.ready(...question)),
            deadlineSeconds: readySeconds,
          }
        : {
            http: pulumi.interpolate`http://127.0.0.1:${port}${healthPath}`,
            // What the load balancer sends: an application may refuse any other.
            headers: {
              Host: args.domain ?? pulumi.interpolate`127.0.0.1:${port}`,
              "X-Forwarded-Proto": args.scheme ?? "http",
            },
            deadlineSeconds: readySeconds,
          },
      // With one host there is none to take its requests meanwhile.
      ...(args.hosts.length > 1 && {
        drain: {
          file: parent.drainFile,
          seconds: drainSeconds,
          // One of them may be down.
          ...(loadBalancers.length > 0 && {
            allowed: loadBalancers.map((loadBalancer) =>
              pulumi
                .output({ statsPort: defaultPorts.statistics, ...loadBalancer })
                .apply((known) => servesElsewhere(known, host.name, backend)),
            ),
          }),
          ...(args.webServer === "shared"
            ? {
                finishedCommand: pulumi
                  .output({ port, socket: parent.fastCgi?.socket })
                  .apply(nobodyConnected),
              }
            : { finished: pulumi.output(args.webPort ?? defaultPorts.web).apply(nothingUnderWay) }),
          finishSeconds: stopSeconds,
        },
      }),
    },
    onHost(host, parent, dependsOn),
  );
}

/** One of several, of which it is known before which there are. */
function knownOf<Args>(all: pulumi.Output<Readonly<Record<string, Args>>>, name: string) {
  return all.apply((known) => {
    const one = known[name];
    if (one === undefined) throw new Error(`${name}: is not known`);
    return one;
  });
}
