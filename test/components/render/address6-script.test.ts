/** What the script of the shared address does for the one of IPv6, run by `sh` with stand-ins for what it asks. */
import { spawnSync } from "node:child_process";
import test from "ava";
import { renderAddressScript } from "../../../components/render/address-script";

const address6 = "fd00:172:31:64::12";
const virtualAddress6 = "fd00:172:31:64::10";
const script = renderAddressScript({
  ...{ hostName: "lb-02", address: "172.31.64.12", address6, peers: ["172.31.64.11"], port: 80 },
  ...{ mark: "0123456789abcdef", virtualAddress: "172.31.64.10", virtualAddress6 },
  onMove: undefined,
});

interface Seen {
  /** Addresses that move and are on eth0. */
  readonly has?: string;
  /** Sets of nftables that have an entry. */
  readonly sets?: string;
  /** Interface and network of `address6`. */
  readonly own?: string;
  readonly route?: string;
  /** The MAC address of who answers for the address, and whether that is a load balancer. */
  readonly neighbour?: string;
  readonly isOurs?: boolean;
}

function run(what: string, seen: Seen): string {
  const { has = "", sets = "", own = "", route = "", neighbour, isOurs = false } = seen;
  const stubs = `
ip() {
  case "$*" in
    *'route get fd'*) echo '${route}' ;;
    *'route get'*) echo '172.31.64.10 dev eth0 src 172.31.64.12' ;;
    *'to 172.31.64.12/32') echo '2: eth0 inet 172.31.64.12/24' ;;
    *'neigh show'*) ${neighbour === undefined ? ":" : `echo '${virtualAddress6} dev eth0 lladdr ${neighbour} REACHABLE'`} ;;
    *neigh*) ;;
    *'to ${address6}/128') echo '2: ${own.replace(" ", " inet6 ")}' ;;
    *) for one in ${has}; do case "$*" in *"to $one/"*) echo "2: eth0 inet $one" ;; esac; done ;;
  esac
}
nft() {
  case "$1 $2" in
    'list set') case " ${sets} " in *" $5 "*) echo elements ;; esac ;;
  esac
}
sleep() { :; }
perl() { case "$*" in *GET*) ${isOurs} ;; esac; }
`;
  const text = script.replace("#!/bin/sh\n", `#!/bin/sh\n${stubs}`);
  const { stdout, stderr } = spawnSync("sh", ["-c", text, "x", what], { encoding: "utf8" });
  return stdout + stderr;
}

const both = `172.31.64.10 ${virtualAddress6}`;

test("a holder has both, or says which one it lacks", (t) => {
  t.is(run("tell", { has: both, sets: "announces" }), "");
  t.is(run("tell", { sets: "hears" }), "");
  t.is(
    run("tell", { has: "172.31.64.10", sets: "announces" }),
    `this host announces ${virtualAddress6} without having it\n`,
  );
  t.is(
    run("tell", { has: virtualAddress6, sets: "hears" }),
    `this host has ${virtualAddress6} without announcing it\n`,
  );
});

test("an address that no machine would look for there is refused before it is taken", (t) => {
  const own = `eth0 ${address6}/64`;
  const route = `${virtualAddress6} from :: dev eth0 proto kernel`;
  t.is(run("free", { own, route }), "");
  t.is(run("free", { own: `eth0 ${address6}/128`, route: "" }), "");
  const elsewhere = `${virtualAddress6} is not in the network of this host, ${address6}/64: no machine there would look for it here. Give loadBalancer.virtualAddress6 an address of that network\n`;
  t.is(run("free", { own, route: `${virtualAddress6} via fe80::1 dev eth0` }), elsewhere);
  t.is(run("free", { own, route: "" }), elsewhere);
  t.is(
    run("free", { own: `eth1 ${address6}/64`, route }),
    `${address6} is not on eth0, where 172.31.64.10 and ${virtualAddress6} would be\n`,
  );
});

test("an address that another machine has is refused, unless that is a load balancer of the stack", (t) => {
  const own = `eth0 ${address6}/64`;
  const route = `${virtualAddress6} from :: dev eth0 proto kernel`;
  const neighbour = "02:00:00:00:00:09";
  t.is(
    run("free", { own, route, neighbour }),
    `${virtualAddress6} is taken: the machine with the MAC address ${neighbour} has it, which is no load balancer of this stack. Give loadBalancer.virtualAddress6 an address that no machine has, or take it from there first\n`,
  );
  t.is(run("free", { own, route, neighbour, isOurs: true }), "");
  t.is(run("free", { own, route, neighbour, has: both }), "");
});

test("Perl takes what looks for the other machine", (t) => {
  const programs = [...script.matchAll(/perl -MIO::Socket::IP -e '([^']+)'/g)];
  t.is(programs.length, 2);
  for (const [, program = ""] of programs) {
    const { status, stderr } = spawnSync("perl", ["-MIO::Socket::IP", "-ce", program], {
      encoding: "utf8",
    });
    t.is(status, 0, stderr);
  }
});
