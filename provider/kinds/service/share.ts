/**
 * The share of the requests that a canary gets. What sets it is on other hosts, those that pass requests on: it is set before the
 * transaction of the canary's host and ends with it, however that goes. What an `up` leaves that was killed meanwhile is set at run
 * time there (`overrides.ts`), so the next preview tells of it.
 */

import type { Context, Host, RemoteCommand } from "../../kind";
import { sh } from "../../ssh/shell";
import type { Service, Share } from "./args";
import type { ServiceStep } from "./plan";

const commandSeconds = 30;

/** Carries out a host's part with the share, if it is to have one. */
export async function carryOutWithShare(
  steps: readonly ServiceStep[],
  { host, watch }: Service,
  context: Context,
  carryOut: () => Promise<Service>,
): Promise<Service> {
  const share = steps.some((step) => step.do === "watch") ? watch?.share : undefined;
  if (share === undefined) return carryOut();
  try {
    await begin(share, host, context);
    return await carryOut();
  } finally {
    await end(share, host, context);
  }
}

async function begin(share: Share, { name }: Host, context: Context): Promise<void> {
  const begun = await everywhere(share, context, {
    script: sh`${share.begin}`.text,
    doing: `giving ${name} ${share.percent} % of the requests`,
  });
  const said = begun.map((one) => {
    if (one.status === "rejected") throw one.reason;
    return one.value.trim();
  });
  for (const [at, line] of said.entries()) {
    if (line !== "") context.tell("info", `${share.hosts[at]?.name}: ${line}`);
  }
  if (said.every((line) => line === "")) {
    const asked = share.hosts.map((host) => host.name).join(", ");
    context.tell(
      "warning",
      `${name}: is watched with whatever share of the requests it gets, as none of ${asked} passes any to it and to others`,
    );
  }
}

async function end(share: Share, { name }: Host, context: Context): Promise<void> {
  const ended = await everywhere(share, context, {
    script: sh`${share.end}`.text,
    doing: `giving ${name} its ordinary share of the requests`,
  });
  for (const one of ended) {
    if (one.status === "fulfilled") continue;
    const why = one.reason instanceof Error ? one.reason.message : String(one.reason);
    context.tell("warning", `${why}; the next \`up\` puts it back`);
  }
}

/** Answers when all have ended: what is set back must not be set again by one that was late. */
function everywhere(share: Share, context: Context, command: RemoteCommand) {
  return Promise.allSettled(
    share.hosts.map((host) => context.run(host, { ...command, deadlineSeconds: commandSeconds })),
  );
}
