/** What the firewall's settings must agree with. */
import { BlockList, isIPv6 } from "node:net";
import * as v from "valibot";
import { type Fault, unexpected } from "../expectation";
import { isRecord } from "../rule";
import { sourceNetwork } from "../rules";

export function checkFirewall(
  { firewall }: Readonly<Record<string, unknown>>,
  hosts: readonly { readonly name: string | undefined }[],
): readonly Fault[] {
  if (!isRecord(firewall)) return [];
  const { operators, allow } = firewall;
  return [
    ...checkNetworks(operators, "firewall.operators"),
    ...items(allow).flatMap((allowed, index) =>
      isRecord(allowed)
        ? [
            ...checkNetworks(allowed.from, `firewall.allow[${index}].from`),
            ...checkHosts(allowed.hosts, `firewall.allow[${index}].hosts`, hosts),
          ]
        : [],
    ),
  ];
}

/** nftables takes no set whose parts overlap. */
function checkNetworks(networks: unknown, path: string): readonly Fault[] {
  const all = items(networks);
  return all.flatMap((network, index) => {
    const including = all.findIndex(
      (other, place) =>
        place !== index && includes(other, network) && (other !== network || place < index),
    );
    if (including === -1) return [];
    const expected = "a network that is in no other one";
    const why = `${path}[${including}] includes it`;
    return [{ path: `${path}[${index}]`, message: unexpected(expected, network, why) }];
  });
}

/** Whether the second one is a part of the first. */
export function includes(one: unknown, other: unknown): boolean {
  const [outer, inner] = [one, other].map(parse);
  if (outer === undefined || inner === undefined) return false;
  if (outer.family !== inner.family || outer.length > inner.length) return false;
  const list = new BlockList();
  list.addSubnet(outer.base, outer.length, outer.family);
  return list.check(inner.base, inner.family);
}

function parse(network: unknown) {
  const known = v.safeParse(sourceNetwork, network);
  if (!known.success) return undefined;
  const [base = "", length] = known.output.split("/");
  return { base, length: Number(length), family: isIPv6(base) ? "ipv6" : "ipv4" } as const;
}

function checkHosts(
  names: unknown,
  path: string,
  hosts: readonly { readonly name: string | undefined }[],
): readonly Fault[] {
  const known = hosts.flatMap(({ name }) => name ?? []);
  return items(names).flatMap((name, index) =>
    typeof name !== "string" || known.includes(name)
      ? []
      : [
          {
            path: `${path}[${index}]`,
            message: unexpected(`one of ${known.join(", ")}`, name),
          },
        ],
  );
}

function items(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
