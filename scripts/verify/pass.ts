/**
 * What lets the requests of these scripts in where load balancers let in few, limit them or show the page of maintenance: a secret that
 * each of them is told over SSH, and that ends by itself.
 */
import { randomBytes } from "node:crypto";
import { sh } from "../../provider/ssh/shell";
import { type Site, wait } from "./check";
import { type EndpointHost, type Endpoints, hostsWith } from "./endpoints";

/** Longer than any command takes, and than clocks differ. */
const goodSeconds = 3600;
/** A load balancer that is down lets nobody in, and keeps nobody waiting. */
const askSeconds = 5;

export interface Pass {
  /** To be sent with a request. Asks the load balancers when first wanted; none where the stack knows no passes. */
  headers(): Promise<Readonly<Record<string, string>>>;
  /** It is good no longer. */
  end(): Promise<void>;
}

export function makePass(endpoints: Endpoints, run: Site["run"]): Pass {
  const { edgeCommand } = endpoints;
  const balancers = hostsWith(endpoints, "load-balancer");
  const until = Math.floor(Date.now() / 1000) + goodSeconds;
  const pass = `${until}-${randomBytes(24).toString("hex")}`;
  // By a builtin of the shell, so that it is in no argument of a program.
  const say = (host: EndpointHost, what: "pass" | "unpass") =>
    run(host, sh`printf '%s\n' ${pass} | ${edgeCommand ?? ""} ${what}`.text, askSeconds);
  const all = (what: "pass" | "unpass") =>
    Promise.race([
      Promise.allSettled(balancers.map((host) => say(host, what))),
      wait(askSeconds + 1),
    ]);
  let given: Promise<Readonly<Record<string, string>>> | undefined;
  return {
    headers: () => {
      given ??= edgeCommand
        ? all("pass").then(() => ({ "X-Trilithon-Pass": pass }))
        : Promise.resolve({});
      return given;
    },
    end: async () => {
      if (given && edgeCommand) await all("unpass");
    },
  };
}
