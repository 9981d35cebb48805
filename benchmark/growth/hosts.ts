/** Hosts that are SSH servers in this process: as many as wanted, each as far away as wanted. */
import type { Host } from "../../provider/kind";
import { answering, SshServer } from "../../test/support/ssh-server";
import { answerScript } from "./answer";

export interface GrowthHosts {
  readonly hosts: readonly Host[];
  /** Counted at the servers since the last time. */
  takeCounts(): { readonly connections: number; readonly roundTrips: number };
  stop(): Promise<void>;
}

export async function startHosts(
  count: number,
  roundTripMilliseconds: number,
): Promise<GrowthHosts> {
  const servers = await Promise.all(
    Array.from({ length: count }, () =>
      SshServer.start({
        delayMilliseconds: roundTripMilliseconds / 2,
        execute: answering((script) => ({ stdout: answerScript(script) })),
      }),
    ),
  );
  const total = () => ({
    connections: servers.reduce((sum, { connections }) => sum + connections, 0),
    roundTrips: servers.reduce((sum, { roundTrips }) => sum + roundTrips, 0),
  });
  let taken = total();
  return {
    hosts: servers.map((server, index) => server.host({ name: `host-${index}` })),
    takeCounts: () => {
      const before = taken;
      taken = total();
      return {
        connections: taken.connections - before.connections,
        roundTrips: taken.roundTrips - before.roundTrips,
      };
    },
    stop: async () => {
      await Promise.all(servers.map((server) => server.stop()));
    },
  };
}
