/** Scripts on the hosts of the benchmark of backups, as root. */
import { must } from "../../scripts/setup/run";
import { benchmarkStack } from "../peers/hosts";

export const containerOf = (host: string) => `trilithon-${benchmarkStack}-backup-${host}`;

export function onHost(host: string, script: string): Promise<string> {
  return must(host, "docker", ["exec", containerOf(host), "bash", "-o", "pipefail", "-ec", script]);
}

export async function secondsOf(host: string, script: string): Promise<number> {
  const start = performance.now();
  await onHost(host, script);
  return (performance.now() - start) / 1000;
}

/** So that each copy sends all: the most that one can cost. */
export async function forgetCopies(): Promise<void> {
  const server = "trilithon-backup-server";
  await onHost(
    "lb-01",
    `systemctl stop ${server} && rm -rf /var/lib/trilithon-backup/web-02 && systemctl start ${server}`,
  );
  await onHost(
    "web-02",
    "until ! systemctl is-active --quiet trilithon-backup-logs; do sleep 1; done; rm -rf /var/cache/trilithon-backup /var/lib/trilithon/backup/logged",
  );
}
