/** One systemd unit on one host with what makes it; as Release, with a version of an application. */

import { Refused } from "../../errors";
import type { Context, Kind } from "../../kind";
import { archive } from "./archive";
import { checkRelease, checkService, type Service } from "./args";
import { diff } from "./difference";
import { imported } from "./imported";
import { install } from "./packages";
import { plan } from "./plan";
import { parseAnswer, renderQuestion } from "./question";
import { renderRemoval } from "./removal";
import type { ServiceStep } from "./step";
import { renderTransaction } from "./transaction";

export const service: Kind<Service, ServiceStep> = {
  type: "trilithon:index:Service",
  check: checkService,
  id: ({ host, unit, name }) => `${host.name}/${unit ?? name}`,
  hosts: ({ host }) => [host],
  read,
  diff,
  plan,
  apply,
  remove: async (live, context) => {
    await context.run(live.host, {
      script: renderRemoval(live).text,
      doing: `removing ${live.name}`,
    });
  },
  imported,
  leaves: (live) => [
    ...(Object.keys(live.packages).length > 0
      ? [`${live.host.name}: the packages ${Object.keys(live.packages).join(", ")}`]
      : []),
    ...(Object.keys(live.files).length > 0
      ? [`${live.host.name}: what stood there before, in /var/lib/trilithon/originals`]
      : []),
  ],
};

export const release: Kind<Service, ServiceStep> = {
  ...service,
  type: "trilithon:index:Release",
  check: checkRelease,
};

async function read(expected: Service, context: Context): Promise<Service | undefined> {
  const question = renderQuestion(expected).text;
  const answer = await context.ask(expected.host, question, `reading ${expected.name}`);
  return parseAnswer(answer, expected);
}

async function apply(
  steps: readonly ServiceStep[],
  live: Service | undefined,
  wanted: Service,
  context: Context,
): Promise<Service> {
  const refusals = steps.filter((step) => step.do === "refuse");
  if (refusals.length > 0) throw new Refused(refusals);
  const packages = steps.flatMap((step) =>
    step.do === "install" ? [[step.name, step.version]] : [],
  );
  if (packages.length > 0) await install(wanted.host, Object.fromEntries(packages), context);
  const rest = steps.filter((step) => step.do !== "install");
  const known = { ...(live?.versions && { versions: live.versions }) };
  if (rest.length === 0) return (await read({ ...wanted, ...known }, context)) ?? wanted;
  const answer = await context.run(wanted.host, {
    script: renderTransaction(rest, live, wanted, renderQuestion({ ...wanted, ...known })).text,
    doing: `applying ${wanted.name}`,
    onProgress: (message) => context.progress(`${wanted.host.name}: ${message}`),
    ...(rest.some((step) => step.do === "send") && { input: await archive(wanted.source ?? "") }),
  });
  return parseAnswer(answer, { ...wanted, ...known }) ?? wanted;
}
