/** What breaks in the stacks of the trial, and in which box it is to be seen. */

export interface SeenFault {
  readonly name: string;
  readonly host: string;
  /** On the host, or of its container by Docker. */
  readonly break: { readonly script: string } | { readonly docker: readonly string[] };
  readonly mend: { readonly script: string } | { readonly docker: readonly string[] };
  /** Of `data-health` of its box; a regular expression. */
  readonly health: string;
  /** That stand in the box; a regular expression. */
  readonly words: string;
}

export function pairFaults(network: string, addressOf: Readonly<Record<string, string>>) {
  const kill = (unit: string) => ({ script: `systemctl kill -s KILL ${unit}` });
  const nothing = { script: "true" };
  const faults: readonly SeenFault[] = [
    {
      ...{ name: "HAProxy killed", host: "lb-01", break: kill("haproxy"), mend: nothing },
      ...{ health: "fault|notice", words: "haproxy\\.service" },
    },
    {
      ...{ name: "Nginx killed", host: "web-01", break: kill("nginx"), mend: nothing },
      ...{ health: "fault|notice", words: "nginx\\.service" },
    },
    {
      ...{ name: "Nginx stopped", host: "web-02", break: { script: "systemctl stop nginx" } },
      ...{ mend: { script: "systemctl start nginx" }, health: "fault", words: "nginx\\.service" },
    },
    {
      ...{ name: "application killed", host: "web-02", break: kill("guestbook"), mend: nothing },
      ...{ health: "fault|notice", words: "guestbook\\.service" },
    },
    {
      ...{ name: "mysqld killed", host: "web-02", break: kill("mysql"), mend: nothing },
      ...{ health: "fault|notice", words: "mysql\\.service" },
    },
    {
      ...{ name: "mysqld hangs", host: "web-02", health: "fault", words: "does not answer" },
      break: { script: "systemctl kill -s STOP mysql" },
      mend: { script: "systemctl kill -s CONT mysql" },
    },
    {
      ...{ name: "replica stopped", host: "web-02", health: "fault", words: "replication" },
      break: { script: 'mysql -e "STOP REPLICA"' },
      mend: { script: 'mysql -e "START REPLICA"' },
    },
    {
      ...{ name: "drained", host: "web-01", health: "drained", words: "drained" },
      break: { script: "touch /run/guestbook.drain" },
      mend: { script: "rm /run/guestbook.drain" },
    },
    {
      ...{ name: "host hangs", host: "web-02", health: "silent", words: "no answer" },
      break: { docker: ["pause", "{container}"] },
      mend: { docker: ["unpause", "{container}"] },
    },
    {
      ...{ name: "network cut", host: "web-01", health: "silent", words: "" },
      break: { docker: ["network", "disconnect", network, "{container}"] },
      mend: {
        docker: [
          ...["network", "connect", "--ip", addressOf["web-01"] ?? "", network, "{container}"],
        ],
      },
    },
    {
      ...{ name: "host stopped", host: "web-02", health: "silent", words: "" },
      break: { docker: ["stop", "--time", "0", "{container}"] },
      mend: { docker: ["start", "{container}"] },
    },
  ];
  return faults;
}

export const groupFaults: readonly SeenFault[] = [
  {
    ...{ name: "keepalived stopped", host: "node-02", health: "fault" },
    break: { script: "systemctl stop keepalived" },
    mend: { script: "systemctl start keepalived" },
    words: "keepalived\\.service",
  },
  {
    ...{ name: "member left the group", host: "node-03", health: "fault", words: "group" },
    break: { script: 'mysql -e "STOP GROUP_REPLICATION"' },
    mend: { script: 'mysql -e "START GROUP_REPLICATION"' },
  },
  {
    ...{ name: "load balancer and primary hang", host: "node-01", health: "silent" },
    break: { docker: ["pause", "{container}"] },
    mend: { docker: ["unpause", "{container}"] },
    words: "no answer",
  },
];
