/** What IPv6 addresses and networks must be. */
import { isIPv6 } from "node:net";
import * as v from "valibot";
import { unexpected } from "./expectation";
import { bitsOfIpv6, nextAddress6, writeAddress6 } from "./render/ipv6";
import { text } from "./rule";

const expected = "an IPv6 address such as 2001:db8::11";

/** One that other machines reach, written as the hosts write it: so each address is one text. */
export const address6 = v.pipe(
  text(expected, (value) => isIPv6(value) && !value.includes("%")),
  v.check(
    (value) => faultOf(value) === undefined,
    ({ input }) => unexpected(expected, input, faultOf(input)),
  ),
);

const unreached: readonly (readonly [network: string, fault: string])[] = [
  ["::ffff:0:0/96", "it stands for an IPv4 address"],
  ["fe80::/10", "it is link-local, and other networks do not reach it"],
  ["ff00::/8", "it is a multicast address"],
  ["::/127", "no other machine reaches it"],
];

function faultOf(value: string): string | undefined {
  const found = unreached.find(([network]) => isIn(network, value));
  if (found !== undefined) return found[1];
  const written = writeAddress6(value);
  return written === value ? undefined : `write it as ${written}`;
}

/** Of the engine's own network on one machine, as `containers.subnet` is: RFC 4193. */
export const subnet6 = text(
  "an IPv6 network in fd00::/8 from /64 to /112 such as fd00:172:31:64::/64",
  (value) => {
    const [base = "", length = "", ...rest] = value.split("/");
    if (rest.length > 0 || !/^(6[4-9]|[7-9]\d|10\d|11[0-2])$/.test(length)) return false;
    if (!v.is(address6, base) || !isIn("fd00::/8", base)) return false;
    return !bitsOfIpv6(base).slice(Number(length)).includes("1");
  },
);

/** The first address is the network's, the second one the engine's. */
export function placeIn6(subnet: string, address: string): "outside" | "taken" | "free" {
  if (!isIn(subnet, address)) return "outside";
  const own = bitsOfIpv6(address).slice(Number(subnet.split("/")[1]));
  return /^0*.$/.test(own) ? "taken" : "free";
}

/** Of a network of containers: the engine's own. */
export function firstAddress6(subnet: string): string {
  return nextAddress6(subnet.split("/")[0] ?? "");
}

function isIn(network: string, address: string): boolean {
  const [base = "", length = ""] = network.split("/");
  const [one, other] = [base, address].map((each) => bitsOfIpv6(each).slice(0, Number(length)));
  return one === other;
}
