/** While somebody works on a stack on purpose, its Alertmanagers wake nobody for that. Each silence ends by itself, also when its command was killed. */
import { sh } from "../../provider/ssh/shell";
import { type EndpointHost, hostsWith } from "../verify/endpoints";
import { alertmanagerPort } from "../verify/monitoring";
import type { StackOutputs } from "../verify/outputs";
import { withSite } from "../verify/site";

export interface Silence {
  /** `npm run maintain` */
  readonly why: string;
  /** `parts`: one of several that do the same may be away, and the site is still watched. `all`: the site may fail as well. */
  readonly what: "parts" | "all";
  /** It ends by then. */
  readonly minutes: number;
  readonly say: (message: string) => void;
}

const alertmanager = `--alertmanager.url=http://127.0.0.1:${alertmanagerPort}`;

/** The watchdog is never silenced: whoever waits for it would raise the alarm. */
const matchers = { parts: ["scope=part"], all: ["alertname!=Watchdog"] } as const;

export function addCommand({ why, what, minutes }: Omit<Silence, "say">): string {
  const end = [`--duration=${minutes}m`, "--author=trilithon", `--comment=${why}`];
  return sh`amtool ${alertmanager} silence add ${end} ${[...matchers[what]]}`.text;
}

/** Where the stack has no Alertmanager nothing is asked of anybody. */
export async function whileSilenced<Result>(
  outputs: StackOutputs,
  silence: Silence,
  work: () => Promise<Result>,
): Promise<Result> {
  const hosts = hostsWith(outputs.endpoints, "monitoring");
  if (hosts.length === 0) return work();
  const ask = (host: EndpointHost, script: string) =>
    withSite(outputs, "silencing alerts", (site) => site.run(host, script, 15)).catch(
      () => undefined,
    );
  const added = await Promise.all(
    hosts.map(async (host) => ({ host, id: (await ask(host, addCommand(silence)))?.trim() })),
  );
  const silenced = added.flatMap(({ host, id }) => (id ? [{ host, id }] : []));
  if (silenced.length === 0) silence.say("no Alertmanager answers: alerts are not silenced");
  else silence.say(`alerts are silenced for ${silence.minutes} minutes at most`);
  try {
    return await work();
  } finally {
    await Promise.all(
      silenced.map(({ host, id }) =>
        ask(host, sh`amtool ${alertmanager} silence expire ${id}`.text),
      ),
    );
  }
}
