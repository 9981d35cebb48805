/** A time server for a stack: chrony in a container of its network. */
import { must } from "../../../scripts/setup/run";
import { imageWith } from "../../end-to-end/support/image-with";

/** Its clock is this machine's, which it takes for right. It goes with the stack. */
export async function startTimeServer(stack: string, address: string): Promise<void> {
  const image = await imageWith("trilithon-time-server", ["chrony"]);
  const script =
    "printf 'local stratum 10\\nallow\\n' >/etc/chrony/chrony.conf; exec chronyd -d -x -u root";
  await must("time server", "docker", [
    ...["run", "--detach", "--name", `trilithon-${stack}-time`],
    ...["--label", `trilithon.stack=${stack}`, "--network", `trilithon-${stack}`],
    ...["--ip", address, image, "sh", "-c", script],
  ]);
}
