/** What the benchmark asks of each tool. */
import type { Usage } from "../usage";
import type { HostSet } from "./hosts";

export interface Tool {
  readonly name: string;
  readonly version: string;
  readonly hosts: HostSet;
  /** Brings fresh hosts up. */
  provision(): Promise<Usage>;
  /** Says what an unchanged stack needs: nothing. */
  preview(): Promise<Usage>;
  /** Sets HAProxy's `timeout queue` in the stack's description. Not timed. */
  describe(queueSeconds: number): Promise<void>;
  /** Applies what was described: one line of haproxy.cfg, and a reload. */
  change(): Promise<Usage>;
  /** Applies an unchanged description. Fails where anything was changed. */
  noop(): Promise<Usage>;
}
