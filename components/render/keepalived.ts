/** The files of keepalived, by which one of several load balancers has the address that they share. */

import { balancerHealthPath } from "./haproxy";
import { renderRestartAlways } from "./restart-always";

export interface KeepalivedConfig {
  readonly hostName: string;
  /** Of this host, on the private network. */
  readonly address: string;
  /** Its place among the load balancers, from 0. */
  readonly place: number;
  /** Addresses of the other load balancers. */
  readonly peers: readonly string[];
  /** What should be reached from here unless this host is cut off: web servers and load balancers on other hosts, `10.0.0.21:80`. */
  readonly others: readonly string[];
  /** Where none is shared, keepalived only tells who would have it. */
  readonly virtualAddress: string | undefined;
  /** It moves with `virtualAddress`. Default: none. */
  readonly virtualAddress6?: string | undefined;
}

export const keepalivedFiles = {
  config: "/etc/keepalived/keepalived.conf",
  /** All that keepalived's unit and a preview ask of the host. */
  script: "/etc/keepalived/trilithon-address",
  /** Run by keepalived once a second. */
  check: "/etc/keepalived/trilithon-check",
  unit: "/etc/systemd/system/keepalived.service.d/trilithon.conf",
};

/** While this file is there its host does not have the shared address, or gives it up within two seconds. A reboot removes it. */
export const leaveAddressFile = "/run/trilithon/leave-address";

/** Written by the unit before keepalived reads its configuration: the interface with the host's address. */
export const interfaceFile = "/run/trilithon/keepalived-interface.conf";

/** keepalived wants one: this host's own by any means, so that nothing changes. */
const noAddress = "127.0.0.51/32 dev lo";

/**
 * Two that did not hear each other, as one was frozen or cut off, both have the address, and the higher priority keeps it: that of the
 * one which took it over lately, and of one that reaches others.
 */
export const settledFile = "/run/trilithon/keepalived-settled";
export const stateFile = "/run/trilithon/keepalived-state";
// Later than systemd kills one that is frozen.
export const settled = { seconds: 10, weight: 60 };
const cutOffWeight = 120;

export function renderKeepalived(config: KeepalivedConfig): string {
  const { hostName, address, place, peers, others, virtualAddress, virtualAddress6 } = config;
  return `# Written by trilithon: what is changed here by hand is taken back by the next \`pulumi up\`.
# $INTERFACE is the one that has this host's address: the unit looks for it at each start and reload.
include ${interfaceFile}

global_defs {
    router_id ${hostName}
    vrrp_version 3
    # The first announcements of an address may be lost.
    vrrp_garp_master_repeat 3
    # On a busy machine a holder that announces late would lose the address without a cause.
    vrrp_priority -20
    enable_script_security
    script_user root
}

# A request to HAProxy itself: one that is dead or refuses gives the address up at once, one that hangs after 2 s. A busy
# machine may need one of them.
vrrp_script haproxy_answers {
    script "${keepalivedFiles.check} haproxy"
    interval 1
    timeout 2
    fall 1
    rise 2
}
${
  others.length === 0
    ? ""
    : `
# Of two that were cut off from each other, and both have the address, the one that reaches others keeps it.
vrrp_script reaches_others {
    script "${keepalivedFiles.check} others ${others.join(" ")}"
    interval 1
    timeout 1
    fall 1
    rise 2
    weight -${cutOffWeight}
}
`
}
# Of two that did not hear each other for a moment, the one that has the address for longer gives it up: visitors are at the
# other one by now.
vrrp_track_file settled {
    file ${settledFile}
}

# As this runs, keepalived runs: systemd kills one that is frozen (WatchdogSec), and starts it again.
vrrp_script keepalived_runs {
    script "/usr/bin/env NOTIFY_SOCKET=/run/systemd/notify /usr/bin/systemd-notify WATCHDOG=1"
    interval 2
    timeout 2
    weight -1
}

vrrp_instance load_balancer {
    # Who has it keeps it: a host that returns moves nothing.
    state BACKUP
    nopreempt
    interface $INTERFACE
    virtual_router_id ${routerId(virtualAddress)}
    priority ${priority(place)}
    advert_int 0.2
    unicast_src_ip ${address}
    unicast_peer {
${indent(peers.length === 0 ? ["224.0.0.18"] : peers)}    }
    virtual_ipaddress {
        ${virtualAddress === undefined ? noAddress : `${virtualAddress}/32 dev $INTERFACE`}
    }
${virtualAddress6 === undefined ? "" : renderExcluded(virtualAddress6)}    track_script {
        haproxy_answers
        keepalived_runs
${others.length === 0 ? "" : "        reaches_others\n"}    }
    track_file {
        settled weight -1
    }
    notify "${keepalivedFiles.script} moved"
}
`;
}

function renderExcluded(virtualAddress6: string): string {
  return `    # VRRP over IPv4 announces addresses of IPv4 alone; this one comes and goes with them.
    virtual_ipaddress_excluded {
        ${virtualAddress6}/128 dev $INTERFACE
    }
`;
}

function indent(lines: readonly string[]): string {
  return lines.map((line) => `        ${line}\n`).join("");
}

/** Those that share an address have the same, and other stacks of the network another. */
export function routerId(virtualAddress: string | undefined): number {
  return virtualAddress === undefined ? 51 : Math.max(1, Number(virtualAddress.split(".")[3]));
}

/**
 * The higher it is, the sooner a host takes an address over that nobody announces any more: the next one 12 ms after the
 * first, so that two do not take it at once.
 */
function priority(place: number): number {
  return Math.max(settled.weight + cutOffWeight + 1, 254 - 15 * place);
}

/** What keepalived asks: perl-base is on every Debian. */
export function renderCheck(port: number): string {
  return `#!/usr/bin/perl
# Written by trilithon: what is changed here by hand is taken back by the next \`pulumi up\`.
use strict;
use warnings;
use Socket;

my ($what, @others) = @ARGV;
my $is_good = $what eq "haproxy" ? haproxy_answers() : reaches_one();
exit($is_good ? 0 : 1);

# How long it may take is keepalived's to say.
sub haproxy_answers {
    if (-e "${leaveAddressFile}") {
        system "${keepalivedFiles.script}", "hand-over";
        return;
    }
    socket(my $haproxy, PF_INET, SOCK_STREAM, 0) or return;
    connect($haproxy, pack_sockaddr_in(${port}, INADDR_LOOPBACK)) or return;
    syswrite $haproxy, "GET ${balancerHealthPath} HTTP/1.0\\r\\n\\r\\n";
    return (<$haproxy> // "") =~ m{^HTTP/1\\.[01] 200 };
}

# A refused connection was reached, too.
sub reaches_one {
    require IO::Select;
    require IO::Socket::INET;
    my $open = IO::Select->new;
    for my $other (@others) {
        my $socket = IO::Socket::INET->new(PeerAddr => $other, Blocking => 0) or next;
        $open->add($socket);
    }
    # keepalived waits for a second in all.
    while (my @done = $open->can_write(0.9)) {
        for my $socket (@done) {
            my $error = $socket->sockopt(SO_ERROR);
            return 1 if $error == 0 or $error == Errno::ECONNREFUSED();
            $open->remove($socket);
        }
    }
    return;
}
`;
}

/** After HAProxy, and stopped before it: so the address moves first when the machine shuts down. */
export function renderKeepalivedUnit(): string {
  const { script } = keepalivedFiles;
  return `${renderRestartAlways()}# One that is frozen is found by its checks, which tell systemd that it runs.
NotifyAccess=all
WatchdogSec=8
WatchdogSignal=SIGKILL
TimeoutStopSec=5
ExecStartPre=${script} prepare
ExecReload=
ExecReload=${script} prepare
ExecReload=/bin/kill -HUP $MAINPID
ExecStop=-${script} hand-over
ExecStopPost=${script} release

[Unit]
After=haproxy.service
`;
}
