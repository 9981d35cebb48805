/** What the script of the shared address does for the IPv6 address that moves with it: empty texts where there is none. */
import { balancerMarkPath } from "./haproxy";
import { hexOfIpv6 } from "./ipv6";

export interface Address6Config {
  /** Of this host. */
  readonly address6?: string | undefined;
  readonly virtualAddress6?: string | undefined;
  readonly port: number;
  readonly mark: string;
}

export interface Address6Parts {
  readonly variables: string;
  readonly functions: string;
  readonly handOver: string;
  readonly endHandOver: string;
  /** Of the guard's chain `out`. */
  readonly guard: string;
  /** Refuses an address that no machine would look for there. */
  readonly elsewhere: string;
  /** Refuses one that another machine has. */
  readonly taken: string;
  readonly look: string;
  readonly release: string;
  readonly exported: string;
}

/** Bits before the target in a neighbour advertisement, and those of the target: RFC 4861, 4.4. */
const target = "@th,64,128";

export function address6Parts(config: Address6Config): Address6Parts {
  const { address6 = "", virtualAddress6, port, mark } = config;
  if (virtualAddress6 === undefined) return nothing;
  return {
    variables: `HOST_ADDRESS6=${address6}
VIRTUAL_ADDRESS6=${virtualAddress6}
`,
    functions: `of_interfaces6() { ip -o -6 addr show to "$1/128"; }
# The kernel answers no neighbour for an address on lo.
has6() { of_interfaces6 "$VIRTUAL_ADDRESS6" | grep -qv '^1: '; }
# The MAC address that answers for it: whatever is sent there has the kernel look for one.
neighbour6() {
  ip -6 neigh flush to "$VIRTUAL_ADDRESS6" 2>/dev/null
  perl -MIO::Socket::IP -e '
    my $socket = IO::Socket::IP->new(PeerAddr => $ARGV[0], PeerPort => 9, Proto => "udp") or exit;
    send($socket, "", 0);
    select(undef, undef, undef, 0.5);' "$VIRTUAL_ADDRESS6"
  ip -6 neigh show to "$VIRTUAL_ADDRESS6" | sed -n 's/.* lladdr \\([^ ]*\\).*/\\1/p'
}
is_ours6() {
  perl -MIO::Socket::IP -e '
    alarm 3;
    my $balancer = IO::Socket::IP->new(PeerAddr => $ARGV[0], PeerPort => ${port}, Timeout => 2) or exit 1;
    print $balancer "GET ${balancerMarkPath} HTTP/1.0\\r\\n\\r\\n";
    local $/;
    exit(<$balancer> =~ /^${mark}$/m ? 0 : 1);' "$VIRTUAL_ADDRESS6"
}
`,
    handOver: `has6 && ip -6 addr add "$VIRTUAL_ADDRESS6/128" dev lo nodad 2>/dev/null; `,
    endHandOver: `  ip -6 addr del "$VIRTUAL_ADDRESS6/128" dev lo 2>/dev/null
`,
    guard: `        icmpv6 type nd-neighbor-advert ${target} ${hexOfIpv6(virtualAddress6)} meta oif != @announces drop
`,
    elsewhere: `    own=$(of_interfaces6 "$HOST_ADDRESS6" | awk '{ print $2, $4; exit }')
    if [ "\${own% *}" != "$(interface)" ]; then
      echo "$HOST_ADDRESS6 is not on $(interface), where $VIRTUAL_ADDRESS and $VIRTUAL_ADDRESS6 would be" >&2
      exit 1
    fi
    case $own:$(ip -6 route get "$VIRTUAL_ADDRESS6" 2>/dev/null) in
      */12[78]:*) ;;
      *: | *' via '*)
        echo "$VIRTUAL_ADDRESS6 is not in the network of this host, \${own#* }: no machine there would look for it here. Give loadBalancer.virtualAddress6 an address of that network" >&2
        exit 1
        ;;
    esac
`,
    taken: `    if ! has6 && found=$(neighbour6) && [ -n "$found" ] && ! is_ours6; then
      echo "$VIRTUAL_ADDRESS6 is taken: the machine with the MAC address $found has it, which is no load balancer of this stack. Give loadBalancer.virtualAddress6 an address that no machine has, or take it from there first" >&2
      exit 1
    fi
`,
    look: `  elif has6 && ! announces; then
    echo "this host has $VIRTUAL_ADDRESS6 without announcing it"
  elif announces && ! has6; then
    echo "this host announces $VIRTUAL_ADDRESS6 without having it"
`,
    release: `    if has6; then ip -6 addr del "$VIRTUAL_ADDRESS6/128" dev "$(interface)"; fi
`,
    exported: " VIRTUAL_ADDRESS6",
  };
}

const nothing: Address6Parts = {
  ...{ variables: "", functions: "", handOver: "", endHandOver: "", guard: "" },
  ...{ elsewhere: "", taken: "", look: "", release: "", exported: "" },
};
