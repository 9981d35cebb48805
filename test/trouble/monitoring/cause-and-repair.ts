/** One alert by its cause: told at the webhook and by mail, and taken back after the repair. */
import type { ExecutionContext } from "ava";
import { until } from "../until";
import type { Case } from "./causes";
import { keepMeasured } from "./measured";
import type { Receivers, Told } from "./receivers";

export const firingSeconds = 1200;
export const resolvingSeconds = 1200;

/** Answers what waits until it is told that the alert is over. */
export async function causeAndRepair(
  t: ExecutionContext,
  { told, mails }: Receivers,
  one: Case,
): Promise<() => Promise<void>> {
  const from = Date.now();
  const before = mails.length;
  // One that was told since a moment.
  const find = (since: number, status: Told["status"]) =>
    told.find(
      ({ at, alert, host, status: is }) =>
        at >= since && alert === one.alert && one.hosts.includes(host) && is === status,
    );
  let fired: Told;
  try {
    await one.cause();
    fired = await until(`${one.alert} fires`, () => find(from, "firing"), firingSeconds);
  } catch (error) {
    // What went wrong first is what is told.
    await one.repair().catch(() => undefined);
    throw error;
  }
  await one.repair();
  const repaired = Date.now();
  t.regex(fired.firstStep, /\w/, one.alert);
  return async () => {
    const isOfIt = (mail: string) => mail.includes(`${one.alert}:`) && mail.includes(fired.host);
    const mailed = () => mails.slice(before).find(isOfIt);
    t.truthy(await until(`${one.alert} is mailed`, mailed, resolvingSeconds));
    const resolved = await until(
      `${one.alert} resolves`,
      () => find(repaired, "resolved"),
      resolvingSeconds,
    );
    const row = {
      ...{ alert: one.alert, cause: one.what },
      firedSeconds: seconds(fired.at, from),
      resolvedSeconds: seconds(resolved.at, repaired),
    };
    t.log(row);
    keepMeasured(row);
  };
}

const seconds = (to: number, since: number) => Math.round((to - since) / 1000);
