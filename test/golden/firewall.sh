#!/bin/sh
# Written by trilithon: what is changed here by hand is taken back by the next `pulumi up`.
set -eu
command=$1 part=$2
rules=/etc/trilithon-firewall/$part.nft
loaded=/run/trilithon-firewall/$part

# What all hosts have. Each load is one step of the kernel's: there is no moment with half of the rules.
frame() {
  cat <<'END'
table inet trilithon_firewall {
  set before4 { type ipv4_addr . inet_service . ipv4_addr . inet_service; }
  set before6 { type ipv6_addr . inet_service . ipv6_addr . inet_service; }
  set asked4 { type ipv4_addr . inet_service; size 65535; flags dynamic,timeout; timeout 1m; }
  set asked6 { type ipv6_addr . inet_service; size 65535; flags dynamic,timeout; timeout 1m; }
  chain open { }
  chain declared { }
  chain input { type filter hook input priority filter; policy drop; }
}
flush set inet trilithon_firewall before4
flush set inet trilithon_firewall before6
flush chain inet trilithon_firewall input
table inet trilithon_firewall {
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
      printf "add element inet trilithon_firewall before%s { %s . %s . %s . %s }\n", family, there, part($NF, "port"), here, part($(NF - 1), "port")
    }' | sort -u
}

flushed() {
  frame
  printf 'flush chain inet trilithon_firewall %s\n' "$part"
}

listed() {
  if [ "$part" = declared ]; then nft --stateless --terse --numeric-protocol list chain inet trilithon_firewall input || return; fi
  nft --stateless --terse --numeric-protocol list chain inet trilithon_firewall "$part"
}

case $command in
  check)
    { flushed; cat "$rules"; } | nft --check --file -
    ;;
  load)
    if ! nft list chain inet trilithon_firewall input >/dev/null 2>&1; then
      # From here on the kernel follows connections.
      nft 'table inet trilithon_firewall { chain input { type filter hook input priority filter; policy accept; ct state established accept; }; }'
    fi
    { flushed; cat "$rules"; connections; } | nft --file -
    listed >"$loaded"
    ;;
  unload)
    if [ "$part" = open ]; then nft delete table inet trilithon_firewall 2>/dev/null || true
    else nft flush chain inet trilithon_firewall "$part" 2>/dev/null || true; fi
    ;;
  differs)
    if ! nft list chain inet trilithon_firewall input >/dev/null 2>&1; then echo 'nftables has no table inet trilithon_firewall'; exit 0; fi
    listed 2>/dev/null | diff "$loaded" - 2>&1 | sed -n 's/;//g; s/^<[[:space:]]*/nftables lacks /p; s/^>[[:space:]]*/nftables has besides /p; /^diff:/p'
    ;;
esac
