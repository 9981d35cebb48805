/** What the script of the shared address does for the IPv6 address that moves with it: empty texts where there is none. */
import { hexOfIpv6 } from "./ipv6";

export interface Address6Config {
  /** Of this host. */
  readonly address6: string | undefined;
  readonly virtualAddress6: string | undefined;
}

export interface Address6Parts {
  readonly variables: string;
  readonly functions: string;
  readonly handOver: string;
  readonly endHandOver: string;
  /** Of the guard's chain `out`. */
  readonly guard: string;
  /** Refuses an address that no machine would look for there. */
  readonly free: string;
  readonly look: string;
  readonly release: string;
  readonly exported: string;
}

/** Bits before the target in a neighbour advertisement, and those of the target: RFC 4861, 4.4. */
const target = "@th,64,128";

export function address6Parts({ address6 = "", virtualAddress6 }: Address6Config): Address6Parts {
  if (virtualAddress6 === undefined) return nothing;
  return {
    variables: `HOST_ADDRESS6=${address6}
VIRTUAL_ADDRESS6=${virtualAddress6}
`,
    functions: `of_interfaces6() { ip -o -6 addr show to "$1/128"; }
# The kernel answers no neighbour for an address on lo.
has6() { of_interfaces6 "$VIRTUAL_ADDRESS6" | grep -qv '^1: '; }
`,
    handOver: `has6 && ip -6 addr add "$VIRTUAL_ADDRESS6/128" dev lo nodad 2>/dev/null; `,
    endHandOver: `  ip -6 addr del "$VIRTUAL_ADDRESS6/128" dev lo 2>/dev/null
`,
    guard: `        icmpv6 type nd-neighbor-advert ${target} ${hexOfIpv6(virtualAddress6)} meta oif != @announces drop
`,
    free: `    own=$(of_interfaces6 "$HOST_ADDRESS6" | awk '{ print $2, $4; exit }')
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
  ...{ free: "", look: "", release: "", exported: "" },
};
