/** Reboots a host, and waits until it is another life of it that answers. */
import type { EndpointHost } from "../verify/endpoints";
import type { StackOutputs } from "../verify/outputs";
import { withSite } from "../verify/site";
import { until } from "./until";

const returnSeconds = 600;

/** A container has the kernel of its machine: when its first process started tells one life from another. */
const lifeScript = `cat /proc/sys/kernel/random/boot_id; sed 's/.*) //' /proc/1/stat | cut -d' ' -f20`;

export async function reboot(
  outputs: StackOutputs,
  host: EndpointHost,
  say: (message: string) => void,
): Promise<void> {
  const before = await lifeOf(outputs, host);
  await withSite(outputs, "rebooting", (site) =>
    site.run(host, "systemd-run --quiet --collect --on-active=1 -- systemctl reboot", 30),
  );
  const what = `${host.name}: back after its reboot`;
  await until({ what, deadlineSeconds: returnSeconds, onChange: say }, async () =>
    (await lifeOf(outputs, host)) === before ? `${host.name}: still going down` : undefined,
  );
}

/** Over a connection of its own: the one before may hang. */
function lifeOf(outputs: StackOutputs, host: EndpointHost): Promise<string> {
  return withSite(outputs, "waiting", (site) => site.run(host, lifeScript, 20));
}
