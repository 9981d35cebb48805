/** A machine that was reached, as root, with what everything else needs; and the facts that programs ask for. */

import * as v from "valibot";
import { failures, hostSchema } from "../check";
import { compare } from "../difference";
import { AccessDenied } from "../errors";
import type { Context, Difference, Host, Kind } from "../kind";
import { sh } from "../ssh/shell";
import { renderAuthorize, renderRetire } from "./authorized-keys";

export interface Machine {
  readonly host: Host;
  /** `Debian GNU/Linux forky/sid` */
  readonly os?: string;
  readonly memoryMegabytes?: number;
  readonly processors?: number;
  /** Of its sshd, at which we came in. */
  readonly sshPort?: number;
}

const schema = v.strictObject({ host: hostSchema });

export const machine: Kind<Machine> = {
  type: "trilithon:index:Machine",
  check: (inputs) => ({ args: inputs, failures: failures(schema, inputs) }),
  id: ({ host }) => host.name,
  hosts: ({ host }) => [host],
  read,
  diff,
  plan: (live, wanted) =>
    live?.os !== undefined && diff(live, wanted).length === 0
      ? []
      : [
          {
            host: wanted.host.name,
            action: "reach",
            sentence: isOtherKey(live, wanted)
              ? "let in another key beside the former one, unless it does already, and reach it by that one"
              : "reach it and read its facts",
          },
        ],
  apply: async (_, live, wanted, context) => {
    const { formerPrivateKeys = [] } = wanted.host;
    if (isOtherKey(live, wanted) || formerPrivateKeys.length > 0) {
      await letIn(wanted.host, context);
    }
    return read(wanted, context);
  },
  // How it was reached before no machine tells.
  recorded: ["host"],
  // Nothing was put on it.
  remove: async () => undefined,
  computedOutputs: ["os", "memoryMegabytes", "processors", "sshPort"],
  // A machine that answers already tells them in the preview too.
  foresee: (live) => (live?.os === undefined ? {} : factsOf(live)),
};

function factsOf({ host: _, ...facts }: Machine) {
  return facts;
}

/**
 * Facts are what they are. For everything else a new way to reach a host changes nothing; here it means to reach it
 * once, before anything depends on it.
 */
function diff(live: Machine, wanted: Machine): Difference[] {
  if (live.host.name !== wanted.host.name) {
    return [{ path: ["host", "name"], kind: "update", replace: true }];
  }
  return compare(live.host, wanted.host, reasons).map((difference) => ({
    ...difference,
    path: ["host", ...difference.path],
  }));
}

const reasons = ["instance", "address", "port", "user", "hostKey", "privateKey"];

function isOtherKey(live: Machine | undefined, wanted: Machine): boolean {
  return live !== undefined && live.host.privateKey !== wanted.host.privateKey;
}

/** By its key alone, over a new connection; where that is refused, the key is told to the host over a connection by a former one. */
async function letIn(host: Host, context: Context): Promise<void> {
  const isLetIn = () => context.runAnew(host, { script: "true", doing: "trying its key" });
  try {
    await isLetIn();
    return;
  } catch (error) {
    if (!(error instanceof AccessDenied)) throw error;
  }
  const { publicKeyOf } = await import("../ssh/key-pair");
  const key = publicKeyOf(host.privateKey);
  const doing = "letting in another key";
  const file = await context.run(host, { script: renderAuthorize(host.user, key).text, doing });
  try {
    await isLetIn();
  } catch (error) {
    // As before: the former key is still let in.
    const script = renderRetire(host.user, [key]).text;
    if (file.trim() !== "") await context.run(host, { script, doing });
    throw error;
  }
}

/** A container's memory is what its control group allows, in either version of them. */
const question = sh`
[ "$(cat /proc/1/comm)" = systemd ] || { echo 'error systemd does not run here (process 1 is another): use a machine or a container image with systemd'; exit; }
command -v apt-get >/dev/null || { echo 'error there is no apt-get here: use Debian or Ubuntu'; exit; }
[ "$(id -u)" = 0 ] || { echo 'error commands do not run as root here: use root or a user with password-less sudo'; exit; }
[ -n "$(systemctl show -P Version 2>/dev/null)" ] || { echo "error $(systemctl --version | head -n 1) is too old: it does not know systemctl show -P, as that of Debian 12 and of Ubuntu 22.04 does"; exit; }
(. /etc/os-release && echo "os $PRETTY_NAME")
awk '/^MemTotal:/ { print "memory", $2 * 1024 }' /proc/meminfo
for limit in /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes; do
  [ ! -r "$limit" ] || echo "memory $(cat "$limit")"
done
echo "processors $(nproc)"
# Which of the processes that this one comes from has the connection: a dialled port may be forwarded to another one.
pid=$$
while [ "\${pid:-0}" -gt 1 ]; do
  port=$(ss -Htnp state established | awk -v pid="pid=$pid," 'index($0, pid) { sub(/.*:/, "", $3); print $3; exit }')
  [ -z "$port" ] || break
  pid=$(awk '/^PPid:/ { print $2 }' "/proc/$pid/status")
done
# In a container root may not see that: sshd listens at one port as a rule.
[ -n "$port" ] || port=$(ss -Hltnp | awk '/"sshd"/ { sub(/.*:/, "", $4); print $4; exit }')
[ -n "$port" ] || port=$(systemctl show -P Listen ssh.socket 2>/dev/null | sed -n 's/.*:\([0-9]*\) (Stream)$/\1/p' | head -n 1)
echo "port $port"`;

async function read({ host }: Machine, context: Context): Promise<Machine> {
  const answer = await context.ask(host, question.text, "reading the machine's facts");
  const facts = answer
    .trim()
    .split("\n")
    .map((line) => line.split(/ (.*)/s));
  const all = (name: string) => facts.filter(([of]) => of === name).map(([, value = ""]) => value);
  const [error] = all("error");
  if (error !== undefined) throw new Error(`${host.name}: ${error}`);
  const limits = all("memory").map(Number).filter(Number.isFinite);
  return {
    host,
    os: all("os")[0] ?? "unknown",
    memoryMegabytes: Math.floor(Math.min(...limits) / 1024 ** 2),
    processors: Number(all("processors")[0]),
    ...(Number(all("port")[0]) > 0 && { sshPort: Number(all("port")[0]) }),
  };
}
