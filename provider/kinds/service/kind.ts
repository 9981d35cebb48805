/** One systemd unit on one host with what makes it; as Release, with a version of an application. */

import { Refused } from "../../errors";
import { type Context, type Kind, onHost, type Step } from "../../kind";
import { archive } from "./archive";
import { checkRelease, checkService, type Service } from "./args";
import { diff } from "./diff";
import { imported } from "./import";
import { parseObservation, renderObservation } from "./observe";
import { install } from "./packages";
import { plan, type ServiceStep } from "./plan";
import { renderRemoval } from "./removal";
import { renderTransaction } from "./transaction";

export const service: Kind<Service, ServiceStep & Step> = {
  type: "trilithon:index:Service",
  check: checkService,
  id: ({ host, unit, name }) => `${host.name}/${unit ?? name}`,
  hosts: ({ host }) => [host],
  read,
  diff,
  plan: (observed, desired) => onHost(plan(observed, desired), desired),
  apply,
  remove: async (observed, context) => {
    await context.run(observed.host, {
      script: renderRemoval(observed).text,
      doing: `removing ${observed.name}`,
    });
  },
  imported,
  leaves: (observed) => [
    ...(Object.keys(observed.packages).length > 0
      ? [`${observed.host.name}: the packages ${Object.keys(observed.packages).join(", ")}`]
      : []),
    ...(Object.keys(observed.files).length > 0
      ? [`${observed.host.name}: what stood there before, in /var/lib/trilithon/originals`]
      : []),
  ],
};

export const release: Kind<Service, ServiceStep & Step> = {
  ...service,
  type: "trilithon:index:Release",
  check: checkRelease,
};

async function read(expected: Service, context: Context): Promise<Service | undefined> {
  const question = renderObservation(expected).text;
  const answer = await context.ask(expected.host, question, `reading ${expected.name}`);
  return parseObservation(answer, expected);
}

async function apply(
  steps: readonly ServiceStep[],
  observed: Service | undefined,
  desired: Service,
  context: Context,
): Promise<Service> {
  const refusals = steps.filter((step) => step.do === "refuse");
  if (refusals.length > 0) throw new Refused(refusals);
  const packages = steps.flatMap((step) =>
    step.do === "install" ? [[step.name, step.version]] : [],
  );
  if (packages.length > 0) await install(desired.host, Object.fromEntries(packages), context);
  const rest = steps.filter((step) => step.do !== "install");
  const known = { ...(observed?.versions && { versions: observed.versions }) };
  if (rest.length === 0) return (await read({ ...desired, ...known }, context)) ?? desired;
  const progress = (message: string) => context.progress(`${desired.host.name}: ${message}`);
  const answer = await context.run(desired.host, {
    script: renderTransaction(rest, observed, desired, renderObservation({ ...desired, ...known }))
      .text,
    doing: `applying ${desired.name}`,
    onProgress: progress,
    ...(rest.some((step) => step.do === "send") && {
      input: await archive(sourceOf(desired), progress),
    }),
  });
  return parseObservation(answer, { ...desired, ...known }) ?? desired;
}

function sourceOf({ source = "", version = "", build, exclude = [], part, versionOf }: Service) {
  return { folder: source, version, build, exclude, part, isContent: versionOf === "content" };
}
