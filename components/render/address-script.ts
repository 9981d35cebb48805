/** The script that a load balancer's keepalived runs: the guard of the shared address, what is told of a move, and what a preview asks. */

import { address6Parts } from "./address6-script";
import { balancerMarkPath } from "./haproxy";
import { interfaceFile, routerId, settled, settledFile, stateFile } from "./keepalived";

export interface AddressScriptConfig {
  readonly hostName: string;
  readonly address: string;
  /** Addresses of the other load balancers. */
  readonly peers: readonly string[];
  /** Where HAProxy answers. */
  readonly port: number;
  /** What HAProxy says there at `balancerMarkPath`. */
  readonly mark: string;
  readonly virtualAddress: string | undefined;
  /** Of this host. */
  readonly address6?: string | undefined;
  /** It moves with `virtualAddress`. Default: none. */
  readonly virtualAddress6?: string | undefined;
  /** Run as root on the host that becomes the holder. */
  readonly onMove: readonly string[] | undefined;
}

/** There while the program's command of the last move has not succeeded and is tried no more. */
const onMoveFailedFile = "/run/trilithon/on-move-failed";
/** There while that command runs. */
const onMoveRunsFile = "/run/trilithon/on-move-runs";

/** All else: what the unit does at its start, reload and end, what keepalived tells of a move, and what a preview asks. */
export function renderAddressScript(config: AddressScriptConfig): string {
  const { hostName, address, peers, port, mark, virtualAddress = "", onMove = [] } = config;
  const six = address6Parts(config);
  const withCommand = (text: string) => (onMove.length === 0 ? "" : text);
  const withoutCommand = (text: string) => (onMove.length === 0 ? text : "");
  return `#!/bin/sh
# Written by trilithon: what is changed here by hand is taken back by the next \`pulumi up\`.
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin
HOST_NAME=${hostName}
HOST_ADDRESS=${address}
VIRTUAL_ADDRESS=${virtualAddress}
${six.variables}# VRRP of these load balancers: the second byte of its header is virtual_router_id, the third the priority, 0 from one that leaves.
vrrp='ip protocol 112 @th,8,8 ${routerId(config.virtualAddress)}'
name=\${VIRTUAL_ADDRESS:-the load balancers}
table='netdev trilithon_address'

interface() { ip -o -4 addr show to "$HOST_ADDRESS/32" | awk '{ print $2; exit }'; }
of_interfaces() { [ -z "$VIRTUAL_ADDRESS" ] || ip -o -4 addr show to "$VIRTUAL_ADDRESS/32"; }
# On an interface: on lo (the first one) it is what hand_over leaves.
has() { of_interfaces | grep -qv '^1: '; }
${six.functions}# While another host takes the address over, the requests that are here already are answered as before: the kernel takes
# the address for its own, but its answers to ARP are held back by the guard.
hand_over() { ${six.handOver}has && ip addr add "$VIRTUAL_ADDRESS/32" dev lo 2>/dev/null; }
end_hand_over() {
  of_interfaces | grep -q '^1: ' || return 0
  sleep 2
  ip addr del "$VIRTUAL_ADDRESS/32" dev lo 2>/dev/null
${six.endHandOver}}
# nftables keeps for a moment that VRRP went out, and that it came in.
announces() { nft list set $table announces 2>/dev/null | grep -q elements; }
hears() { nft list set $table hears 2>/dev/null | grep -q elements; }

# The kernel answers for the address while it is announced, and no longer: a holder that is frozen is silent before
# another one takes over. It needs Linux 5.16; before that nothing is guarded.
guard() {
  nft -f - <<END
table $table
delete table $table
table $table {
    set announces { type iface_index; flags timeout; size 16; }
    set hears { type iface_index; flags timeout; size 16; }
    chain out {
        type filter hook egress device "$1" priority 0;
        $vrrp @th,16,8 0 delete @announces { meta oif }
        $vrrp @th,16,8 != 0 update @announces { meta oif timeout 500ms }
\${VIRTUAL_ADDRESS:+        arp saddr ip $VIRTUAL_ADDRESS meta oif != @announces drop}
${six.guard}    }
    chain in {
        type filter hook ingress device "$1" priority 0;
        $vrrp update @hears { meta iif timeout 1s }
    }
}
END
}
# keepalived lowers the priority by what stands in the file.
settle() {
  sleep ${settled.seconds}
  [ "$(cat ${stateFile})" != MASTER ] || echo ${settled.weight} >${settledFile}
}
is_guarded() { nft list table $table >/dev/null 2>&1; }

${withoutCommand(`# Whether it would be new here, and the machines around would not look for it here. Of an interface with one address nobody can tell.
is_elsewhere() {
  [ -n "$VIRTUAL_ADDRESS" ] && [ ! -e /run/trilithon/unguarded ] || return
  ! nft list table $table 2>/dev/null | grep -qF "ip $VIRTUAL_ADDRESS " || return
  network=$(ip -o -4 addr show to "$HOST_ADDRESS/32" | awk '{ print $4; exit }')
  case $network in */31 | */32) return 1 ;; esac
  case $(ip -4 route get "$VIRTUAL_ADDRESS" 2>/dev/null) in "$VIRTUAL_ADDRESS dev "*) return 1 ;; esac
}
`)}# MAC addresses that answer for the shared address, but are of no load balancer. Another stack's do not announce it to these here:
# nothing else would tell.
strangers() {
  [ -n "$VIRTUAL_ADDRESS" ] || return 0
  perl -e '
    use Socket;
    use Time::HiRes qw(time);
    my ($interface, $own, $shared, @peers) = @ARGV;
    sub first_line { open my $file, "<", "/sys/class/net/$interface/$_[0]" or exit; my $line = <$file>; chomp $line; $line }
    my ($index, $mac) = (first_line("ifindex"), first_line("address"));
    # It has no ARP otherwise.
    first_line("type") == 1 or exit;
    socket(my $socket, 17, SOCK_RAW, unpack("S", pack("n", 0x0806))) or exit;
    bind($socket, pack("SnlSCCa8", 17, 0x0806, $index, 0, 0, 0, "")) or exit;
    my $source = pack("H12", $mac =~ s/://gr);
    my %found;
    for my $try (1, 2, 3) {
      for my $address ($shared, @peers) {
        send($socket, "\\xff" x 6 . $source . pack("nnnCCn", 0x0806, 1, 0x0800, 6, 4, 1) . $source . inet_aton($own)
          . "\\0" x 6 . inet_aton($address), 0);
      }
      my $bits = "";
      vec($bits, fileno($socket), 1) = 1;
      my $end = time + 0.1;
      while ((my $left = $end - time) > 0) {
        select(my $ready = $bits, undef, undef, $left) or last;
        recv($socket, my $frame, 1500, 0);
        my ($what, $from, $address) = unpack("x20 n a6 a4", $frame);
        $found{inet_ntoa($address)}{join ":", unpack("(H2)6", $from)} = 1 if $what == 2;
      }
    }
    my %ours = map { $_ => 1 } $mac, map { keys %{$found{$_} // {}} } @peers;
    print join(" ", grep { !$ours{$_} } sort keys %{$found{$shared} // {}});
  ' "$(interface)" "$HOST_ADDRESS" "$VIRTUAL_ADDRESS" ${peers.join(" ")}
}
# One that leaves the stack has the address until it is removed.
is_ours() {
  perl -MIO::Socket::INET -e '
    alarm 3;
    my $balancer = IO::Socket::INET->new(PeerAddr => "$ARGV[0]:${port}", Timeout => 2) or exit 1;
    print $balancer "GET ${balancerMarkPath} HTTP/1.0\\r\\n\\r\\n";
    local $/;
    exit(<$balancer> =~ /^${mark}$/m ? 0 : 1);' "$VIRTUAL_ADDRESS"
}
# Looks twice: an announcement may be late.
tell() {
  wrong=$(look)
  [ -z "$wrong" ] || { sleep 1; look; }
${withCommand(`  [ ! -e ${onMoveFailedFile} ] || echo "the command onMove failed (journalctl -t trilithon-on-move), and visitors may be led elsewhere"
`)}}
look() {
  if ! is_guarded; then
    [ -e /run/trilithon/unguarded ] || echo "nftables has lost the guard of $name"
  elif has && ! announces; then
    echo "this host has $VIRTUAL_ADDRESS without announcing it"
  elif [ -n "$VIRTUAL_ADDRESS" ] && announces && ! has; then
    echo "this host announces $VIRTUAL_ADDRESS without having it"
${six.look}  elif ! announces && ! hears; then
    echo "no load balancer announces $name"
  elif announces && ! hears && found=$(strangers) && [ -n "$found" ]; then
    echo "$VIRTUAL_ADDRESS$elsewhere ($found)"
  fi
}

elsewhere=' is at another machine as well, which is no load balancer of this stack: another stack has it, or it was given by hand'

case $1 in
  # Whether nobody has the address yet but these load balancers.
  free)
${withoutCommand(six.elsewhere)}${six.taken}    has && exit
${withoutCommand(`    if is_elsewhere; then
      echo "$VIRTUAL_ADDRESS is not in the network of this host, $network: no machine there would look for it here. Give loadBalancer.virtualAddress an address of that network, or the hosts a route to it (ip route add $VIRTUAL_ADDRESS/32 dev $(interface))" >&2
      exit 1
    fi
`)}    found=$(strangers)
    [ -z "$found" ] || is_ours && exit
    echo "$VIRTUAL_ADDRESS is taken: the machine with the MAC address $found has it, which is no load balancer of this stack. Give loadBalancer.virtualAddress an address that no machine has, or take it from there first" >&2
    exit 1
    ;;
  # Which interface it is.
  find-interface)
    interface=$(interface)
    [ -n "$interface" ] || { echo "no interface has the address $HOST_ADDRESS" >&2; exit 1; }
    mkdir -p /run/trilithon
    [ -e ${settledFile} ] || echo 0 >${settledFile}
    echo "\\$INTERFACE=$interface" >${interfaceFile}
    ;;
  prepare)
    "$0" find-interface || exit
    if guard "$(interface)"; then rm -f /run/trilithon/unguarded; else : >/run/trilithon/unguarded; fi
    ;;
  hand-over) hand_over ;;
  # What a keepalived that was killed has left goes as well.
  release)
    end_hand_over
    if has; then ip addr del "$VIRTUAL_ADDRESS/32" dev "$(interface)"; fi
${six.release}    if is_guarded; then nft delete table $table; fi
    echo 0 >${settledFile}
${withCommand(`    rm -f ${onMoveFailedFile} ${onMoveRunsFile}
`)}    ;;
  # keepalived's words: the kind of thing, its name, the state, the priority.
  moved)
    echo "$4" >${stateFile}
    echo 0 >${settledFile}
    if [ "$4" = MASTER ]; then settle >/dev/null 2>&1 & else end_hand_over; fi
${renderOnMove(onMove, six.exported)}    ;;
  ready) [ -z "$(look)" ] ;;
  # Whether its kernel answers for the address.
  answers) has && { announces || ! is_guarded; } ;;
  # Whether another host does; without the guard nobody can tell.
  taken) ! is_guarded || hears ;;
  # One word: whether this host is in charge, and visitors are led here.
  charge)
    if is_guarded; then announces; else [ "$(cat ${stateFile} 2>/dev/null)" = MASTER ]; fi || { echo none; exit 0; }
    if [ -e ${onMoveFailedFile} ]; then echo failed; elif [ -e ${onMoveRunsFile} ]; then echo moving; else echo held; fi
    ;;
  tell) tell ;;
  reset)
    wrong=$(tell)
    [ -n "$wrong" ] || exit 0
    # A restart changes nothing of that.
    case $wrong in *"$elsewhere"*) echo "$wrong" >&2; exit 1 ;; esac
    systemctl restart keepalived.service
    for try in 1 2 3 4 5 6 7 8 9 10; do
      sleep 1
      wrong=$(look)
      [ -n "$wrong" ] || exit 0
    done
    echo "$wrong" >&2
    exit 1
    ;;
esac
`;
}

/** The command of the program, tried again while this host is the holder: the provider may be busy with the same failure. */
function renderOnMove(words: readonly string[], exported: string): string {
  if (words.length === 0) return "";
  return `    rm -f ${onMoveFailedFile} ${onMoveRunsFile}
    [ "$4" = MASTER ] || exit 0
    : >${onMoveRunsFile}
    export HOST_NAME HOST_ADDRESS VIRTUAL_ADDRESS${exported}
    for try in 1 2 3 4 5; do
      systemd-cat -t trilithon-on-move timeout 30 ${words.map(quote).join(" ")} </dev/null && { rm -f ${onMoveRunsFile}; exit; }
      sleep 2
      [ "$(cat ${stateFile})" = MASTER ] || exit 0
    done
    : >${onMoveFailedFile}
    rm -f ${onMoveRunsFile}
`;
}

function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
