/** The rules beside mysqld by which a member of a group does not wait for another one that is gone. */

import { mysqlPort } from "./mysql";
import { confineRoot } from "./unit-confinement";

export const dialUnit = {
  name: "trilithon-mysql-dial.service",
  path: "/etc/systemd/system/trilithon-mysql-dial.service",
  rulesPath: "/etc/trilithon-mysql-dial.nft",
};

const table = "ip trilithon_mysql_dial";
/** As nftables tells them once they are loaded, without counters, and without what the sets hold and how much that is. */
const loaded = "/run/trilithon-mysql-dial/loaded";
const list = `nft --stateless --terse list table ${table} | sed "s/[[:space:]]*# count.*//"`;
const load = `/bin/sh -c 'nft --file ${dialUnit.rulesPath} && ${list} >${loaded}'`;

export function renderDialUnit(): string {
  return `# Written by trilithon: what is changed here by hand is taken back by the next \`pulumi up\`.
[Unit]
Description=Refuses connections of mysqld to a member that has just not answered
# Debian's own rules begin with \`flush ruleset\`.
After=nftables.service
PartOf=nftables.service
ReloadPropagatedFrom=nftables.service
Before=mysql.service

[Service]
Type=oneshot
RemainAfterExit=yes
RuntimeDirectory=trilithon-mysql-dial
ExecStart=${load}
ExecReload=${load}
ExecStop=-/usr/sbin/nft delete table ${table}
PrivateTmp=yes
${confineRoot({ capabilities: ["CAP_NET_ADMIN"], addressFamilies: ["AF_NETLINK"] })}
ProtectKernelTunables=yes

[Install]
WantedBy=multi-user.target
`;
}

/**
 * Group Replication dials a member that is lost again every few seconds, in the thread that votes, and gives each attempt a
 * second: no setting of MySQL's changes that. Measured, a fail-over took up to two seconds longer.
 */
export function renderDialRules(members: readonly string[]): string {
  return `# Written by trilithon: what is changed here by hand is taken back by the next \`pulumi up\`.
# mysqld dials members that are gone in the thread that votes for their removal. The first attempt may wait for an answer; those
# in the seconds after it are refused here at once.
table ${table}
delete table ${table}
table ${table} {
  set members {
    type ipv4_addr
    elements = { ${members.join(", ")} }
  }
  # Asked, and no answer so far. One attempt goes through each time that an entry ends.
  set unanswered {
    type ipv4_addr
    size 64
    flags dynamic,timeout
    timeout 6s
  }
  # Asked so short a time ago that the answer may be under way.
  set just_asked {
    type ipv4_addr
    size 64
    flags dynamic,timeout
    timeout 900ms
  }
  chain output {
    type filter hook output priority filter; policy accept;
    meta skuid "mysql" ip daddr @members tcp dport ${mysqlPort} tcp flags & (syn | ack) == syn jump dial
  }
  chain dial {
    ip daddr @just_asked accept
    ip daddr @unanswered counter reject with tcp reset
    add @unanswered { ip daddr }
    add @just_asked { ip daddr }
  }
  chain input {
    type filter hook input priority filter; policy accept;
    ip saddr @members tcp sport ${mysqlPort} tcp flags & (syn | rst) != 0 delete @unanswered { ip saddr }
  }
}
`;
}

/** For a Service's `overrides`: rules that somebody changed or flushed since they were loaded. */
export const dialOverrides = {
  find: [
    "sh",
    "-c",
    `(${list}) 2>/dev/null | diff ${loaded} - >/dev/null || echo "the rules in nftables' table ${table}"`,
  ],
  reset: ["systemctl", "reload", dialUnit.name],
};
