/**
 * Watches, on the load balancers themselves, who has the shared address and answers for it: four times a second. One
 * that is cut off answers as well, but nobody hears it.
 */
import { sh } from "../../provider/ssh/shell";
import { hostsWith } from "../verify/endpoints";
import type { Machines } from "./machines";
import { doubleHolding } from "./outage";

/** Two looks that are further apart than this have a machine between them that did not look. */
const stepSeconds = 0.5;

/** Each look takes some processes of its own: more of them would be felt on a small machine. */
const pauseSeconds = 0.2;

/** For at most so long, should nobody end it. Survives the machine's death, unlike what is in /run. */
export async function watchHolders(
  machines: Machines,
  mark: string,
  seconds: number,
): Promise<void> {
  const { endpoints } = machines.outputs;
  const { virtualAddress } = endpoints;
  if (virtualAddress === undefined) return;
  const script = sh`i=0
while [ $i -lt ${String(Math.ceil(seconds / pauseSeconds))} ]; do
  /etc/keepalived/trilithon-address answers && date +%s.%N >>/var/tmp/trilithon-drill-${mark}
  i=$((i + 1)); sleep ${String(pauseSeconds)}
done`;
  await Promise.all(
    hostsWith(endpoints, "load-balancer").map((host) =>
      machines.launch(host, script.text, unitOf(mark)).catch(() => undefined),
    ),
  );
}

/** For how many seconds two held the address at once. The machines' clocks have to agree. */
export async function readDoubleHolding(machines: Machines, mark: string): Promise<number> {
  const { endpoints } = machines.outputs;
  if (endpoints.virtualAddress === undefined) return 0;
  const file = `/var/tmp/trilithon-drill-${mark}`;
  const found = await Promise.all(
    hostsWith(endpoints, "load-balancer").map(async (host) => {
      const text = await machines.run(
        host,
        `systemctl stop ${unitOf(mark)} 2>/dev/null; cat ${file} 2>/dev/null; rm -f ${file}`,
      );
      return [host.name, text.trim().split("\n").filter(Boolean).map(Number)] as const;
    }),
  );
  return doubleHolding(Object.fromEntries(found), stepSeconds);
}

function unitOf(mark: string): string {
  return `trilithon-drill-watch-${mark}`;
}
