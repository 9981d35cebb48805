/** What listens on container hosts, as `ss` says there, and what the stack declares. */
import * as v from "valibot";
import { describeSocket, parseSockets, socketsScript } from "../../../scripts/verify/sockets";
import type { TestStack } from "./test-stack";

const endpoints = v.object({
  listens: v.array(
    v.object({
      ...{ host: v.string(), address: v.string(), port: v.optional(v.number()) },
      ...{ protocol: v.string(), unit: v.string() },
    }),
  ),
});

/** `lb-01 tcp 0.0.0.0:80 haproxy.service`. What is declared at all addresses is at each sort of them, or at some. */
export async function readListening(stack: TestStack, hosts: readonly string[]) {
  const { listens } = v.parse(endpoints, await stack.output("endpoints"));
  const declared = listens.map((one) => `${one.host} ${describeSocket(one)} ${one.unit}`);
  const seen = await Promise.all(
    hosts.map(async (host) => {
      const sockets = parseSockets(await stack.on(host, socketsScript));
      return sockets.flatMap(({ protocol, address, port, units }) => {
        // Docker's own name server, outside of the container.
        if (address === "127.0.0.11" && units.length === 0) return [];
        // keepalived sends by it, and hears nothing there.
        if (protocol === "vrrp" && address === "0.0.0.0") return [];
        const isForAll = ["0.0.0.0", "[::]"].includes(address);
        return (units.length > 0 ? units : ["-"]).map((unit) => {
          const line = (at: string) =>
            `${host} ${describeSocket({ protocol, address: at, port })} ${unit}`;
          return isForAll && declared.includes(line("*")) ? line("*") : line(address);
        });
      });
    }),
  );
  return { declared: declared.toSorted(), seen: [...new Set(seen.flat())].sort() };
}

/** A listener that nothing declares, as a unit of its own. */
export async function withStranger<T>(
  stack: TestStack,
  { host, port }: { readonly host: string; readonly port: number },
  work: () => Promise<T>,
): Promise<T> {
  const listen = `IO::Socket::INET->new(LocalPort => ${port}, Listen => 1) or die; sleep`;
  const perl = `perl -MIO::Socket::INET -e 'my $socket = ${listen}'`;
  await stack.on(host, `systemd-run --quiet --unit=stranger ${perl}`);
  try {
    return await work();
  } finally {
    await stack.on(host, "systemctl stop stranger.service");
  }
}
