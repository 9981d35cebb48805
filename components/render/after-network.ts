import { writtenByTrilithon } from "./application-unit";

/**
 * A drop-in for a daemon of Debian's that listens at its host's own address, which at boot may come after the daemon: it would fail until
 * then. Nothing is restarted for it.
 */
export function afterNetwork(unit: string) {
  return {
    [`/etc/systemd/system/${unit}.d/trilithon-network.conf`]: {
      content: `${writtenByTrilithon}
[Unit]
After=network-online.target
Wants=network-online.target
`,
      onChange: "nothing" as const,
    },
  };
}
