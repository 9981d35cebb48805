/** One systemd unit on one host with what makes it; as Release, with a version of an application. */

import { isMap } from "../../difference";
import { Refused } from "../../errors";
import { type Context, type Kind, onHost, type Properties, type Step } from "../../kind";
import type { Service } from "./args";
import { authorOf, isRecorded } from "./audit";
import { checkRelease, checkService } from "./check";
import { Probation } from "./confirm";
import { transactionSeconds } from "./deadline";
import { diff } from "./diff";
import { imported } from "./import";
import { noticesIn } from "./notice";
import { parseObservation, renderObservation } from "./observe";
import { thingsOf } from "./owner";
import { nothing, plan, type ServiceStep } from "./plan";
import { incomingFolder } from "./receiving";
import { readElsewhere, runAfterwards } from "./release-command";
import { renderRemoval } from "./removal";
import { replacementOf } from "./replacement";
import { carryOutWithShare } from "./share";
import { carryOutTogether, undrained } from "./together";
import { renderTransaction } from "./transaction";
import { type Place, transfer, transferUnread } from "./transfer";
import { partOf, prepareVersion, readVersion } from "./version-files";
import { renderWayBack } from "./way-back";

export const service: Kind<Service, ServiceStep & Step> = {
  type: "trilithon:index:Service",
  check: checkService,
  id: ({ host, unit, name }) => `${host.name}/${unit ?? name}`,
  hosts: ({ host }) => [host],
  takes,
  read,
  diff,
  plan: (observed, desired, owner) => {
    const steps = plan(observed, desired, owner);
    const refusals = steps.filter((step) => step.do === "refuse" && step.stopsAll);
    if (refusals.length > 0) throw new Refused(refusals);
    return onHost(steps, desired);
  },
  apply,
  remove,
  imported,
  migrations: [withoutPackages],
  recorded: ["port"],
};

export const release: Kind<Service, ServiceStep & Step> = {
  ...service,
  type: "trilithon:index:Release",
  check: checkRelease,
  replacement: replacementOf,
};

/** In a preview some of it may not be known yet. */
function takes({ unit, moreUnits, files, root, ...rest }: Service): readonly string[] {
  return thingsOf({
    ...rest,
    ...(typeof unit === "string" && { unit }),
    ...(isMap(moreUnits) && { moreUnits }),
    ...(typeof root === "string" && { root }),
    files: isMap(files) ? files : {},
  });
}

/**
 * Until 0.1.0 a Service had packages, which are a kind of their own now. In a state without a unit they stay: it is of a
 * set of packages, which `Packages` takes over.
 */
function withoutPackages(properties: Properties): Properties {
  if (properties.unit === undefined) return properties;
  const { packages: _, versions: __, ...rest } = properties;
  return rest;
}

async function read(
  expected: Service,
  context: Context,
  desired?: Service,
): Promise<Service | undefined> {
  const { isNew } = context.owner;
  const planner = desired && context.owner;
  const question = renderObservation(expected, { isNew, ...(planner && { planner }) }).text;
  const answer = await context.ask(expected.host, question, `reading ${expected.name}`);
  const found = parseObservation(answer, expected, context.owner, { isNew });
  // Once: what is not new was read by the refresh before.
  if (desired === undefined || isNew) {
    for (const notice of noticesIn(answer)) {
      context.tell("warning", `${expected.host.name}: ${notice}`);
    }
  }
  const wanted = desired ?? expected;
  const had = await readElsewhere(found, wanted, context);
  return had.length === 0 ? found : { ...(found ?? nothing(wanted)), had };
}

async function remove(observed: Service, context: Context): Promise<void> {
  const answer = await context.run(observed.host, {
    script: renderRemoval(observed, context.owner).text,
    doing: `removing ${observed.name}`,
    deadlineSeconds: transactionSeconds(observed),
  });
  const said = answer.split("\n").map((line) => /^(left|back|kept|unit) (.*)$/.exec(line) ?? []);
  const all = (kind: string) =>
    said.flatMap(([, what, words = ""]) => (what === kind ? [words] : []));
  const tell = (message: string) => context.tell("info", `${observed.host.name}: ${message}`);
  const left = all("left").map((words) => words.split("\t"));
  for (const owner of new Set(left.map(([, of = ""]) => of))) {
    const things = left.filter(([, of]) => of === owner).map(([thing]) => thing);
    tell(`left to ${owner.replace(/^\S+ /, "")}, which has it by now: ${things.join(", ")}`);
  }
  const back = all("back");
  if (back.length > 0) tell(`put back what stood there before: ${back.join(", ")}`);
  const kept = all("kept");
  if (kept.length > 0) {
    tell(
      `left as they are, with what was written there: ${kept.join(", ")}; remove them by hand when nobody needs them any more`,
    );
  }
  for (const words of all("unit")) tell(words);
}

async function apply(
  steps: readonly ServiceStep[],
  observed: Service | undefined,
  desired: Service,
  context: Context,
): Promise<Service> {
  const refusals = steps.filter((step) => step.do === "refuse");
  if (refusals.length > 0) throw new Refused(refusals);
  // Once all is done it has taken in what is installed.
  const known = { startedWith: desired.runsWith };
  // What a new resource finds as wanted is its own from now on all the same.
  if (steps.length === 0 && thingsOf(desired).length === 0) {
    const answer = renderObservation({ ...desired, ...known }).text;
    const output = await context.ask(desired.host, answer, `reading ${desired.name}`);
    return parseObservation(output, { ...desired, ...known }, context.owner) ?? desired;
  }
  const probation = new Probation(desired, context);
  const progress = (message: string) => {
    if (probation.hears(message)) return;
    const warning = /^warning: (.*)$/s.exec(message)?.[1];
    if (warning !== undefined) context.tell("warning", `${desired.host.name}: ${warning}`);
    else context.progress(`${desired.host.name}: ${message}`);
  };
  if (steps.some((step) => step.do === "send")) await sendVersion(desired, context, progress);
  const isAudited = isRecorded(steps, desired);
  const isClosed = steps.some((step) => step.do === "close");
  const carryOut = async () => {
    const answer = await context.run(desired.host, {
      script: renderTransaction(steps, observed, isClosed ? undrained(desired) : desired, {
        ...(isAudited && { author: await authorOf(desired.source ?? ".") }),
        owner: context.owner,
        answer: renderObservation({ ...desired, ...known }),
        wayBack: renderWayBack(desired, context.owner),
      }).text,
      doing: `applying ${desired.name}`,
      deadlineSeconds: transactionSeconds(desired),
      deadlineSetting: "drain.seconds or ready.deadlineSeconds (drainSeconds, readySeconds)",
      onProgress: progress,
    });
    return parseObservation(answer, { ...desired, ...known }, context.owner) ?? desired;
  };
  const done = await (isClosed
    ? carryOutTogether(desired, context, carryOut)
    : carryOutWithShare(steps, desired, context, carryOut)
  ).catch((error: unknown) => {
    probation.end(error);
    throw error;
  });
  probation.end();
  const isAfterwards = steps.some((step) => step.do === "run afterwards");
  return isAfterwards ? runAfterwards(done, context, progress) : done;
}

/** Before the transaction, so that nothing waits for it. */
async function sendVersion(
  service: Service,
  context: Context,
  say: (message: string) => void,
): Promise<void> {
  const { host, root = "", source = "", version = "", build, exclude = [], part, ahead } = service;
  const isContent = service.versionOf === "content";
  const all = { folder: source, version, build, exclude, isContent };
  await prepareVersion(all, say);
  const former = (place: string) => [`${place}/current`, `${place}/previous`];
  const sendAll = async (place: Place) => {
    const sent = await transferUnread(place, all, context, say);
    if (sent === undefined)
      await transfer({ ...place, files: await readVersion(all) }, context, say);
  };
  if (ahead === undefined && part === undefined) {
    await sendAll({ host, root, have: former(root) });
    return;
  }
  const sent: string[] = [];
  if (ahead !== undefined) {
    const unless = `${ahead}/releases/${version}`;
    await sendAll({ host, root: ahead, have: former(ahead), unless });
    sent.push(unless, incomingFolder({ root: ahead, version }));
  }
  const files = await readVersion(all);
  const own = part === undefined ? files : partOf(files, part);
  const have = sent.map((folder) => (part === undefined ? folder : `${folder}/${part}`));
  await transfer({ host, root, files: own, have: [...former(root), ...have] }, context, say);
}
