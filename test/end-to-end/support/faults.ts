/** Parts of the stack that are broken: what the verification says of each, and what `up` does about it. */

export interface Fault {
  readonly name: string;
  readonly host: string;
  readonly break: string;
  /** A failed check and what it saw. */
  readonly verdict: RegExp;
  readonly resource: string;
  readonly sentence: RegExp;
  /** Whose processes are new afterwards; all others keep theirs. */
  readonly unit?: string;
}

/** By rounds: in each all are broken at once, and none is of the same resource as another one. */
export const faults: readonly (readonly Fault[])[] = [
  [
    {
      name: "HAProxy stopped",
      host: "lb-01",
      break: "systemctl stop haproxy",
      verdict: /^lb-01: haproxy\.service is running: inactive/,
      resource: "load-balancer-lb-01-service",
      sentence: /^lb-01: check it, start haproxy, wait until it is ready \[drift\]$/,
      unit: "haproxy",
    },
    {
      name: "Nginx stopped on one host",
      host: "web-02",
      break: "systemctl stop nginx",
      verdict: /^web-02: nginx\.service is running: inactive/,
      resource: "web-02-nginx-service",
      sentence: /^web-02: check it, start nginx, wait until it is ready \[drift\]$/,
      unit: "nginx",
    },
    {
      name: "the application stopped on one host",
      host: "web-01",
      break: "systemctl stop guestbook",
      verdict: /^web-01: guestbook\.service is running: inactive/,
      resource: "application-web-01",
      sentence: /^web-01: start guestbook, wait until it is ready \[drift\]$/,
      unit: "guestbook",
    },
    {
      name: "replication stopped",
      host: "web-02",
      break: 'mysql -e "STOP REPLICA"',
      verdict: /^web-02: replication is running: the receiver is OFF/,
      resource: "database-replication",
      sentence: /^web-02: follow web-01 \(was: stopped\) \[drift\]$/,
    },
  ],
  [
    {
      name: "the replica made writable",
      host: "web-02",
      break: 'mysql -e "SET GLOBAL super_read_only = OFF; SET GLOBAL read_only = OFF"',
      verdict: /^web-02: the replica refuses writes: it is writable/,
      resource: "database-replication",
      sentence: /^web-02: .* \[drift\]$/,
    },
  ],
];
