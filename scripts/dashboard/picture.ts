/** What the page is told: a stack as it is, with the conclusions drawn. Types only, as browser code has them too. */
import type { Status } from "../status/schema";

/** `notice`: it serves, and somebody should look. `silent`: it does not answer. `unknown`: it was not asked yet. */
export type Health = "well" | "notice" | "fault" | "silent" | "drained" | "away" | "unknown";

export interface UnitLook {
  readonly unit: string;
  readonly isWell: boolean;
  /** `active (running)` */
  readonly seen: string;
  /** How often systemd has started it again by itself. */
  readonly restarts: number;
}

export interface Alert {
  readonly name: string;
  /** Of the host that it is about; `null`: of the stack. */
  readonly host: string | null;
  readonly severity: string;
  readonly cause: string;
  readonly effect: string;
  readonly firstStep: string;
  readonly since: string;
  readonly isSilenced: boolean;
}

/** As metrics of backups on a host tell it; times in seconds since 1970. */
export interface BackupLook {
  /** `full`, `logs`, `folders` to when it was made. */
  readonly copies: Readonly<Record<string, number>>;
  /** When a copy was last restored on trial, and up to which time it went. */
  readonly tried: { readonly at: number; readonly until: number } | null;
  /** Machine to whether its repository is sound. */
  readonly repositories: Readonly<Record<string, boolean>>;
  readonly checkedAt: number | null;
}

type Member = NonNullable<Status["database"]>["members"][number];

/** What one host says, in one round trip. What it was not asked for is `null`, or an empty list. */
export interface HostLook {
  readonly units: readonly UnitLook[];
  /** Files by which it is drained. */
  readonly drained: readonly string[];
  /** Whether it has the shared address, or is in charge. */
  readonly holds: boolean | null;
  /** What its HAProxy says of the web servers. */
  readonly balancers: Status["loadBalancers"];
  readonly releases: Status["releases"];
  readonly member: Member | null;
  /** Checks that it can answer alone, and that fail. */
  readonly faults: readonly Fault[];
  readonly alerts: readonly Alert[] | null;
  readonly backup: BackupLook | null;
  readonly load: LoadLook | null;
}

export interface LoadLook {
  /** Processes that run or wait, on average of a minute, for each CPU. */
  readonly perCpu: number;
  /** Parts of 1. */
  readonly memory: number;
  readonly disk: number;
}

export interface Fault {
  readonly host: string | null;
  readonly what: string;
  readonly seen: string;
  readonly remedy: string;
}

export interface HostPicture {
  readonly name: string;
  readonly address: string;
  readonly roles: readonly string[];
  readonly health: Health;
  /** One line. */
  readonly words: string;
  /** Why it did not answer the last time. */
  readonly silence: string | null;
  /** When it last answered, in milliseconds since 1970. */
  readonly answeredAt: number | null;
  readonly faults: readonly Fault[];
  readonly notices: readonly Fault[];
  /** The last that it said; `null` where it never answered. */
  readonly look: HostLook | null;
  /** What load balancers send it. */
  readonly traffic: readonly Traffic[];
  /** Of which there is something to read. */
  readonly logs: readonly string[];
}

export interface Traffic {
  readonly application: string;
  /** The load balancer that sees it so. */
  readonly by: string;
  readonly state: Status["loadBalancers"][number]["servers"][number]["state"];
  readonly haproxy: string;
}

/** A step on the way of a request through the stack. */
export interface Station {
  readonly title: string;
  readonly health: Health;
  /** The name of who does it. */
  readonly who: string;
  readonly words: string;
}

/** A change of state, as it was seen. */
export interface Happening {
  readonly id: number;
  readonly at: number;
  readonly host: string | null;
  readonly health: Health;
  readonly words: string;
}

export interface Picture {
  readonly stack: string;
  readonly url: string;
  readonly health: Health;
  readonly words: string;
  readonly stations: readonly Station[];
  readonly hosts: readonly HostPicture[];
  /** Of the stack, and all of its hosts'. */
  readonly faults: readonly Fault[];
  readonly notices: readonly Fault[];
  readonly happenings: readonly Happening[];
  readonly monitoring: "none" | "silent" | "answers";
  readonly alerts: readonly Alert[];
  readonly hasBackups: boolean;
  readonly certificates: Status["certificates"];
  /** When all checks of `verify` were last made; `null`: not yet. */
  readonly checkedAt: number | null;
}

export interface ChartSeries {
  readonly legend: string;
  readonly values: readonly (number | null)[];
}

export interface Chart {
  readonly id: string;
  readonly title: string;
  readonly part: string;
  readonly unit: string;
  /** Seconds since 1970. */
  readonly times: readonly number[];
  readonly series: readonly ChartSeries[];
}

export interface Charts {
  readonly charts: readonly Chart[];
  /** Why there are none, or not all. */
  readonly reason: string | null;
}

export interface ShownLine {
  readonly at: number;
  readonly source: string;
  readonly text: string;
}
