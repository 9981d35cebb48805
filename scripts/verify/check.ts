/** What a check is, and how one is run: within its deadline, and never throwing. */
import type { EndpointHost, Endpoints } from "./endpoints";
import type { Answer, Question } from "./http";

/** What a check may use of the outside. */
export interface Site {
  readonly endpoints: Endpoints;
  /** Over a connection of its own, so that the load balancer chooses anew. */
  request(question: Question): Promise<Answer>;
  /** With which a load balancer lets a request in, whatever it does with others; `request` sends it. */
  passHeaders?(): Promise<Readonly<Record<string, string>>>;
  /** Runs a script as root on a host, and answers what it printed. */
  run(host: EndpointHost, script: string, deadlineSeconds: number): Promise<string>;
}

export interface Check {
  /** `nginx on web-01 is running` */
  readonly name: string;
  readonly expected: string;
  /** What to do when it fails. */
  readonly remedy: string;
  readonly deadlineSeconds: number;
  /** Fails as long as the host is drained. Default false. */
  readonly failsWhileDrained?: boolean;
  readonly run: (site: Site) => Promise<Finding>;
}

export interface Finding {
  readonly passed: boolean;
  /** What was seen, in a few words. */
  readonly seen: string;
  /** More of it, a line each, also of one that passes. */
  readonly lines?: readonly string[];
}

export interface Verdict extends Finding {
  readonly name: string;
  readonly expected: string;
  readonly remedy: string;
  readonly seconds: number;
}

export const passed = (seen: string): Finding => ({ passed: true, seen });
export const failed = (seen: string): Finding => ({ passed: false, seen });

export async function runCheck(check: Check, site: Site): Promise<Verdict> {
  const begin = performance.now();
  const finding = await Promise.race([
    check.run(site).catch((error: unknown) => failed(describeError(error))),
    lateAfter(check.deadlineSeconds),
  ]);
  const { name, expected, remedy } = check;
  const seconds = Math.round((performance.now() - begin) / 100) / 10;
  return { name, expected, remedy, seconds, ...finding };
}

export function wait(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}

function lateAfter(seconds: number): Promise<Finding> {
  return new Promise((resolve) => {
    const late = failed(`no result within ${seconds} s`);
    setTimeout(() => resolve(late), seconds * 1000).unref();
  });
}

/** The last lines say most: a remote command's own message. */
function describeError(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const lines = text
    .trim()
    .split("\n")
    .map((line) => line.trim());
  return [...new Set([lines[0], lines.at(-1)])].join(" ");
}
