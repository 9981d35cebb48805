/** When this server may be sent visitors: once its first start is done, and then until it stops. */

import { classifyFault, describeError } from "./database/fault";

export interface Readiness {
  isReady(): boolean;
  stop(): void;
}

const maxPauseSeconds = 15;

/**
 * Prepares the database, for as long as it takes. A database that is away does not make this server unready: the
 * page can say so, and all web servers would go at once. One that refuses this server's settings does, at the start:
 * a new version with a wrong password must not take the place of one that works.
 */
export function startPreparing(
  prepare: () => Promise<void>,
  log: (line: string) => void,
): Readiness {
  let isReady = false;
  let isStopped = false;
  let timer: NodeJS.Timeout | undefined;
  let said = "";
  const attempt = async (pauseSeconds: number): Promise<void> => {
    try {
      await prepare();
      if (!isReady || said !== "") log("database ready");
      isReady = true;
    } catch (error) {
      const isRefused = classifyFault(error) === "refused";
      if (!isRefused) isReady = true;
      const reason = `database ${isRefused ? "refuses this application" : "away"}: ${describeError(error)}`;
      if (reason !== said) log(reason);
      said = reason;
      const next = Math.min(pauseSeconds * 2, maxPauseSeconds);
      if (!isStopped) timer = setTimeout(() => void attempt(next), pauseSeconds * 1000);
    }
  };
  void attempt(0.5);
  return {
    isReady: () => isReady,
    stop: () => {
      isStopped = true;
      clearTimeout(timer);
    },
  };
}
