/** The files of the firewall: nftables, one table of our own on each host. */
import { renderExcludedOperator } from "./excluded-operator";
import { confineRoot } from "./unit-confinement";

export type Family = "ip" | "ip6";

/** What may come in at one port, and from where. */
export interface Opening {
  /** In a word or two, as `MySQL`. */
  readonly what: string;
  readonly protocol: "tcp" | "udp" | "vrrp";
  /** VRRP has none. */
  readonly port?: number | undefined;
  /** As what listens is bound. */
  readonly families: readonly Family[];
  /** Networks, IPv4 or IPv6, each with the length of its prefix; `anyone`. */
  readonly from: "anyone" | readonly string[];
  /** Who that is, in words. */
  readonly whom: string;
  /** Of new connections of one address. */
  readonly perMinute?: number | undefined;
}

/**
 * `open`: loaded before anything else changes, so that what is added is reached at once. `declared`: the same rules, loaded when all
 * else has changed. What is in either of them may come in, so a rule that goes is in effect until what listens there has moved.
 */
export type FirewallPart = "open" | "declared";

const folder = "/etc/trilithon-firewall";
export const firewallScript = `${folder}/firewall`;
const table = "inet trilithon_firewall";
// Not every host knows its name, which is in a file of the package netbase.
const vrrp = 112;
const list = "nft --stateless --terse --numeric-protocol list chain";

export interface FirewallFiles {
  readonly unit: string;
  readonly unitPath: string;
  readonly rulesPath: string;
}

export function firewallFiles(part: FirewallPart): FirewallFiles {
  const unit = part === "open" ? "trilithon-firewall-open.service" : "trilithon-firewall.service";
  return {
    unit,
    unitPath: `/etc/systemd/system/${unit}`,
    rulesPath: `${folder}/${part}.nft`,
  };
}

export function renderFirewallUnit(part: FirewallPart): string {
  const after = part === "open" ? "" : ` ${firewallFiles("open").unit}`;
  const what =
    part === "open"
      ? "Lets in what is declared, as the first thing of a change"
      : "Lets in what is declared, and nothing else";
  return `# Written by trilithon: what is changed here by hand is taken back by the next \`pulumi up\`.
[Unit]
Description=${what}
DefaultDependencies=no
# Debian's own rules begin with \`flush ruleset\`.
After=local-fs.target nftables.service${after}
PartOf=nftables.service${after}
ReloadPropagatedFrom=nftables.service
Wants=network-pre.target
Before=network-pre.target

[Service]
Type=oneshot
RemainAfterExit=yes
RuntimeDirectory=trilithon-firewall
RuntimeDirectoryPreserve=yes
ExecStart=${firewallScript} load ${part}
ExecReload=${firewallScript} load ${part}
ExecStop=${firewallScript} unload ${part}
${confineRoot({ capabilities: ["CAP_NET_ADMIN"], addressFamilies: ["AF_NETLINK"] })}
ProtectKernelTunables=yes

[Install]
WantedBy=multi-user.target
`;
}

/** Of a `part`: a person reads them in a preview. */
export function renderFirewallRules(part: FirewallPart, openings: readonly Opening[]): string {
  const rules = openings.flatMap((opening) => renderOpening(opening));
  return `# Written by trilithon: what is changed here by hand is taken back by the next \`pulumi up\`.
# Loaded by ${firewallFiles(part).unit}. What listens and is not here is reached from its own host alone.
table ${table} {
  chain ${part} {
${rules.map((rule) => `    ${rule}\n`).join("")}  }
}
`;
}

function renderOpening(opening: Opening): string[] {
  const { what, protocol, port, families, from, whom, perMinute } = opening;
  const match = protocol === "vrrp" ? `ip protocol ${vrrp}` : `${protocol} dport ${port}`;
  const limits =
    perMinute === undefined
      ? []
      : families.map(
          (family) =>
            `ct state new ${match} add @${limited[family]} { ${family} saddr . th dport limit rate over ${perMinute}/minute burst ${perMinute} packets } drop`,
        );
  const accept = `accept comment "${what}: ${whom}"`;
  if (from === "anyone") {
    const [family, ...others] = families;
    const isOne = family !== undefined && others.length === 0;
    return [...limits, `${isOne ? `meta nfproto ${protocolOf[family]} ` : ""}${match} ${accept}`];
  }
  return [
    ...limits,
    ...families.flatMap((family) => {
      const networks = from.filter((network) => network.includes(":") === (family === "ip6"));
      return networks.length === 0
        ? []
        : [`${family} saddr { ${networks.join(", ")} } ${match} ${accept}`];
    }),
  ];
}

const protocolOf = { ip: "ipv4", ip6: "ipv6" } as const;
const limited = { ip: "asked4", ip6: "asked6" } as const;

/** `firewall load PART`, `check PART`, `unload PART`, and `differs PART`, which prints a line for each rule in effect that is not the file's. */
export function renderFirewallScript(): string {
  return `#!/bin/sh
# Written by trilithon: what is changed here by hand is taken back by the next \`pulumi up\`.
set -eu
command=$1 part=$2
rules=${folder}/$part.nft
loaded=/run/trilithon-firewall/$part

# What all hosts have. Each load is one step of the kernel's: there is no moment with half of the rules.
frame() {
  cat <<'END'
table ${table} {
  set before4 { type ipv4_addr . inet_service . ipv4_addr . inet_service; }
  set before6 { type ipv6_addr . inet_service . ipv6_addr . inet_service; }
  set asked4 { type ipv4_addr . inet_service; size 65535; flags dynamic,timeout; timeout 1m; }
  set asked6 { type ipv6_addr . inet_service; size 65535; flags dynamic,timeout; timeout 1m; }
  chain open { }
  chain declared { }
  chain input { type filter hook input priority filter; policy drop; }
}
flush set ${table} before4
flush set ${table} before6
flush chain ${table} input
table ${table} {
  chain input {
    ct state established,related accept
    iif lo accept
    ip saddr . tcp sport . ip daddr . tcp dport @before4 accept comment "open since before the kernel followed connections"
    ip6 saddr . tcp sport . ip6 daddr . tcp dport @before6 accept comment "open since before the kernel followed connections"
    icmp type { echo-request, destination-unreachable, time-exceeded, parameter-problem } accept
    icmpv6 type { echo-request, echo-reply, destination-unreachable, packet-too-big, time-exceeded, parameter-problem } accept comment "RFC 4890, 4.4.1"
    ip6 hoplimit 255 icmpv6 type { nd-router-solicit, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert, ind-neighbor-solicit, ind-neighbor-advert, 148, 149 } accept comment "RFC 4890, 4.4.1"
    ip6 saddr fe80::/10 icmpv6 type { mld-listener-query, mld-listener-report, mld-listener-done, mld2-listener-report, 151, 152, 153 } accept comment "RFC 4890, 4.4.1"
    udp sport 67 udp dport 68 accept comment "DHCP"
    ip6 saddr fe80::/10 udp sport 547 udp dport 546 accept comment "DHCPv6"
    jump open
    jump declared
    counter comment "dropped"
  }
}
END
}

# A connection that is older than the first load is not known to the kernel as one, and its next packet may come from the other side.
connections() {
  ss --no-header --tcp --numeric state connected | awk '
    function part(text, what,   address) {
      match(text, /:[0-9]+$/)
      if (what == "port") return substr(text, RSTART + 1)
      address = substr(text, 1, RSTART - 1)
      gsub(/[][]|%.*/, "", address)
      sub(/^::ffff:/, "", address)
      return address
    }
    {
      here = part($(NF - 1), "address"); there = part($NF, "address")
      if (here ~ /^127[.]/ || here == "::1" || here == "" || there == "") next
      family = here ~ /:/ ? 6 : 4
      printf "add element ${table} before%s { %s . %s . %s . %s }\\n", family, there, part($NF, "port"), here, part($(NF - 1), "port")
    }' | sort -u
}

flushed() {
  frame
  printf 'flush chain ${table} %s\\n' "$part"
}

listed() {
  if [ "$part" = declared ]; then ${list} ${table} input || return; fi
  ${list} ${table} "$part"
}

case $command in
  check)
    { flushed; cat "$rules"; } | nft --check --file -
    ;;
  load)
    if ! nft list chain ${table} input >/dev/null 2>&1; then
      # From here on the kernel follows connections.
      nft 'table ${table} { chain input { type filter hook input priority filter; policy accept; ct state established accept; }; }'
    fi
    { flushed; cat "$rules"; connections; } | nft --file -
    listed >"$loaded"
    ;;
  unload)
    if [ "$part" = open ]; then nft delete table ${table} 2>/dev/null || true
    else nft flush chain ${table} "$part" 2>/dev/null || true; fi
    ;;
  differs)
    if ! nft list chain ${table} input >/dev/null 2>&1; then echo 'nftables has no table ${table}'; exit 0; fi
    listed 2>/dev/null | diff "$loaded" - 2>&1 | sed -n 's/;//g; s/^<[[:space:]]*/nftables lacks /p; s/^>[[:space:]]*/nftables has besides /p; /^diff:/p'
    ;;
esac
`;
}

/** For a Service's `forewarningCommand`: what a change closes, and whether it keeps out who makes it. */
export function renderForewarning(openings: readonly Opening[]): readonly string[] {
  const declared = openings.map(({ protocol, port }) => `${protocol}:${port}`);
  const asked = ["", ...declared, ""].join(" ");
  const excluded = renderExcludedOperator(openings);
  return ["sh", "-c", `${closing}\nshift; exec "$@"`, "closing", asked, ...excluded];
}

// What listens on a host without a firewall and is not declared. A UDP port of 32768 or more is that of somebody who asked, and those of DHCP are let in.
const closing = `nft list chain ${table} input >/dev/null 2>&1 || ss -Hltunp | awk -v declared="$1" '
  {
    local = $5; port = local; sub(/.*:/, "", port)
    if (local ~ /^(127[.]|\\[::1\\])/ || index(declared, " " $1 ":" port " ")) next
    if ($1 == "udp" && (port >= 32768 || port ~ /^(67|68|546)$/)) next
    name = match($0, /"[^"]+"/) ? " (" substr($0, RSTART + 1, RLENGTH - 2) ")" : ""
    if (!told[$1 port]++) printf "close %s port %s%s to all but its own host: nothing declares it, and firewall.allow would keep it open\\n", toupper($1), port, name
  }'`;
