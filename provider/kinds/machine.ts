/** A machine that was reached, as root, with what everything else needs; and the facts that programs ask for. */

import * as v from "valibot";
import { failures, hostSchema } from "../check";
import { compare } from "../difference";
import type { Context, Difference, Host, Kind } from "../kind";
import { fingerprintOf } from "../ssh/public-key";
import { sh } from "../ssh/shell";
import { letIn, showHostKey, showsHostKey } from "./machine-keys";

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
  plan: (live, wanted) => {
    if (live?.os !== undefined && diff(live, wanted).length === 0) return [];
    const { name: host, hostKey } = wanted.host;
    const keys = [
      ...(isOther("privateKey", live, wanted)
        ? [
            "let in another key beside the former one, unless it does already, and reach it by that one",
          ]
        : []),
      ...(isOther("hostKey", live, wanted)
        ? [`have its sshd show the host key ${fingerprintOf(hostKey)}, unless it does already`]
        : []),
    ];
    const sentences = keys.length > 0 ? keys : ["reach it and read its facts"];
    return sentences.map((sentence) => ({ host, action: "reach", sentence }));
  },
  apply: async (_, live, wanted, context) => {
    const { host } = wanted;
    const isShown = !isOther("hostKey", live, wanted) || (await showsHostKey(host, context));
    const shown = isShown ? host : { ...host, hostKey: live?.host.hostKey ?? host.hostKey };
    if (isOther("privateKey", live, wanted) || host.formerPrivateKeys !== undefined) {
      await letIn(shown, context);
    }
    if (!isShown) await showHostKey(host, context);
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

function isOther(key: "privateKey" | "hostKey", live: Machine | undefined, wanted: Machine) {
  return live !== undefined && live.host[key] !== wanted.host[key];
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
