/** Packages on one host, with the sources they come from: installed, kept at versions, and never removed. */

import { isSame } from "../../difference";
import { Refused } from "../../errors";
import { type Context, type Kind, onHost, type Properties, type Step } from "../../kind";
import { hasUnknown, unknown } from "../../protocol/values";
import { checkPackages, type Packages } from "./args";
import { changeOf, isDowngrade, isRemoval } from "./changes";
import { install, targetsOf } from "./install";
import { parseObservation, renderObservation } from "./observe";
import { claim, refuseOthers, release } from "./owner";
import { diff, type PackagesStep, plan } from "./plan";
import { simulate } from "./simulation";

export const packages: Kind<Packages, PackagesStep & Step> = {
  type: "trilithon:index:Packages",
  check: checkPackages,
  id: ({ host, name }) => `${host.name}/${name}`,
  hosts: ({ host }) => [host],
  read,
  diff,
  plan: (observed, desired, owner) => {
    const steps = plan(observed, desired);
    const others = refuseOthers(steps, observed, owner);
    if (others.length > 0) throw new Refused(others);
    return onHost(steps, desired);
  },
  apply,
  remove,
  leaves: ({ host, packages: installed }) =>
    Object.keys(installed).length > 0
      ? [`${host.name}: the packages ${Object.keys(installed).join(", ")}`]
      : [],
  computedOutputs: ["versions"],
  migrations: [fromService],
  isOfAnotherKind: isOfService,
  foresee,
};

/** Until 0.1.0 packages were part of a Service, which needs no unit. */
function isOfService(properties: Properties): boolean {
  return "absent" in properties || "onChange" in properties;
}

function fromService(properties: Properties): Properties {
  if (!isOfService(properties)) return properties;
  const { host, id, name, packages: installed, versions } = properties;
  const none = { hold: {}, sources: {}, hostSources: {}, allowRemoval: [], mayStop: [] };
  return {
    host,
    name,
    packages: installed,
    ...none,
    ...(id !== undefined && { id }),
    ...(versions !== undefined && { versions }),
  };
}

async function observe(expected: Packages, context: Context): Promise<Packages | undefined> {
  const { host, name } = expected;
  const answer = await context.ask(
    host,
    renderObservation(expected, context.owner.claim).text,
    `reading ${name}`,
  );
  return parseObservation(answer, expected);
}

/** Where something is to be installed, apt is asked what it would do. */
async function read(
  expected: Packages,
  context: Context,
  desired?: Packages,
): Promise<Packages | undefined> {
  const observed = await observe(expected, context);
  if (desired === undefined) return observed;
  const changes = await askApt(observed, desired, context);
  if (changes === undefined) return observed;
  if (observed !== undefined) return { ...observed, changes };
  // Of an empty machine it has to be said all the same.
  return { ...desired, packages: {}, versions: {}, hold: {}, sources: {}, changes };
}

async function askApt(observed: Packages | undefined, desired: Packages, context: Context) {
  const { host, packages: wanted, sources, hostSources } = desired;
  if ([wanted, sources, hostSources].some(hasUnknown)) return undefined;
  const lacking = Object.entries(wanted).filter(
    ([name, version]) => observed?.packages[name] !== version,
  );
  if (lacking.length === 0) return undefined;
  return simulate({
    host,
    targets: targetsOf(Object.fromEntries(lacking)),
    pending: await pendingSources(desired, context),
    context,
  });
}

/** Sources that the host does not have yet as they are wanted: then apt is asked as if it had. */
async function pendingSources(desired: Packages, context: Context) {
  const all = { ...desired.hostSources, ...desired.sources };
  if (Object.keys(all).length === 0) return {};
  const there = await observe({ ...desired, packages: {}, sources: all }, context);
  return isSame(there?.sources ?? {}, all) ? {} : all;
}

async function apply(
  steps: readonly PackagesStep[],
  observed: Packages | undefined,
  desired: Packages,
  context: Context,
): Promise<Packages> {
  const refusals = steps.filter((step) => step.do === "refuse");
  if (refusals.length > 0) throw new Refused(refusals);
  const installs = steps.flatMap((step) => (step.do === "install" ? [step] : []));
  const changes = installs.length > 0 ? (observed?.changes?.list ?? []) : [];
  const hold = steps.flatMap((step) => (step.do === "hold" ? [step.name] : []));
  const unhold = steps.flatMap((step) => (step.do === "unhold" ? [step.name] : []));
  // dpkg forgets a hold as it installs another version.
  const rehold = changes
    .filter(({ name, to, isHeld }) => isHeld && to !== undefined && !unhold.includes(name))
    .map(({ name }) => name);
  const work = {
    packages: Object.fromEntries(installs.map(({ name, version }) => [name, version])),
    allowed: changes.filter((one) => isRemoval(one) || isDowngrade(one) || one.isHeld),
    sources: Object.fromEntries(
      steps.flatMap((step) => (step.do === "write source" ? [[step.name, step.source]] : [])),
    ),
    removedSources: steps.flatMap((step) => (step.do === "remove source" ? [step.name] : [])),
    hold: [...hold, ...rehold],
    unhold,
  };
  const isSome = Object.values(work).some((value) => Object.keys(value).length > 0);
  if (isSome) {
    await install({ ...work, host: desired.host, mayStop: desired.mayStop, context });
  }
  await claim(desired, context);
  const versions = { ...observed?.versions };
  // What was older than known and stays so is what is known from now on.
  for (const step of steps) if (step.do === "keep") delete versions[step.name];
  return (await observe({ ...desired, versions }, context)) ?? desired;
}

/** The packages stay; sources and holds were this resource's own, unless another one has them by now. */
async function remove(packages: Packages, context: Context): Promise<void> {
  const { host } = packages;
  if (Object.keys({ ...packages.sources, ...packages.hold }).length === 0) return;
  const { sources, hold } = await release(packages, context);
  if (Object.keys({ ...sources, ...hold }).length === 0) return;
  await install({
    host,
    context,
    packages: {},
    allowed: [],
    sources: {},
    removedSources: Object.keys(sources),
    hold: [],
    unhold: Object.keys(hold),
    mayStop: [],
  });
}

/** Known in a preview from apt's simulation, so that what runs with a package can say that it restarts. */
function foresee(observed: Packages | undefined, desired: Packages): Properties {
  if (hasUnknown(desired.packages)) return { versions: unknown };
  const versions = Object.entries(desired.packages).map(([name, wanted]) => {
    const change = changeOf(name, observed?.changes);
    const installed = observed?.packages[name] === wanted ? observed.versions?.[name] : undefined;
    return [name, change?.to ?? installed ?? unknown];
  });
  return { versions: Object.fromEntries(versions) };
}
