/** What hardens each host is in effect: sshd's file, the kernel's settings, a clock that is right. */
import { sh } from "../../../provider/ssh/shell";
import { type Check, type Finding, failed, passed } from "../check";
import { type EndpointHost, type Endpoints, startCommand } from "../endpoints";

type Hardened = Pick<Endpoints, "stack" | "hosts" | "hardening">;

export function hardeningChecks({ stack, hosts, hardening }: Hardened): readonly Check[] {
  const { sshdCommand, kernelCommand, time } = hardening;
  return hosts.flatMap((host) => [
    ...(sshdCommand === undefined ? [] : [sshdCheck(host, sshdCommand)]),
    ...(kernelCommand === undefined ? [] : [kernelCheck(host, kernelCommand, stack)]),
    ...(time === undefined ? [] : [timeCheck(host)]),
  ]);
}

function sshdCheck(host: EndpointHost, command: string): Check {
  return {
    name: `${host.name}: sshd lets in by keys alone, and offers nothing weak`,
    expected: "what the stack's file of sshd says is in effect",
    remedy: "what each line says",
    deadlineSeconds: 25,
    run: async (site) => judgeSshd(await site.run(host, sh`${command} check || true`.text, 10)),
  };
}

export function judgeSshd(answer: string): Finding {
  const lines = linesOf(answer);
  return lines.length === 0
    ? passed("as the stack wants it")
    : { ...failed("not in effect"), lines };
}

function kernelCheck(host: EndpointHost, command: string, stack: string): Check {
  const question = sh`${command} differs | sed 's/^/differs /'; ${command} forbidden | sed 's/^/forbidden /'`;
  return {
    name: `${host.name}: the kernel's settings are in effect`,
    expected: "those that the stack wants",
    remedy: `${startCommand(stack)} sets them again`,
    deadlineSeconds: 25,
    run: async (site) => judgeKernel(await site.run(host, question.text, 10)),
  };
}

/** What a container may not change is told, and is no failure. */
export function judgeKernel(answer: string): Finding {
  const of = (kind: string) =>
    linesOf(answer).flatMap((line) =>
      line.startsWith(`${kind} `) ? [line.slice(kind.length + 1)] : [],
    );
  const [differs, forbidden] = [of("differs"), of("forbidden")];
  const lines = [...differs, ...forbidden.map((line) => `left to its machine: ${line}`)];
  const left =
    forbidden.length === 0
      ? ""
      : `, but for ${forbidden.length} that only the machine of this container can change`;
  const finding =
    differs.length === 0
      ? passed(`as the stack wants them${left}`)
      : failed(`${differs.length} differ${left}`);
  return lines.length === 0 ? finding : { ...finding, lines };
}

/** A clock that is further off than this is no longer right for certificates, logs and one-time passwords. */
const mostSeconds = 0.5;

function timeCheck(host: EndpointHost): Check {
  const question = sh`if systemd-detect-virt --quiet --container; then echo container; else echo machine; fi
LC_ALL=C chronyc -n -c tracking`;
  return {
    name: `${host.name}: its clock is right`,
    expected: `by a time server, less than ${mostSeconds} s off`,
    remedy: `\`chronyc sources\` on ${host.name} says who answers: UDP port 123 has to be free towards them`,
    deadlineSeconds: 25,
    run: async (site) => judgeTime(await site.run(host, question.text, 10)),
  };
}

/** A container cannot set its clock: whether it is right is known as long as a time server answers. */
export function judgeTime(answer: string): Finding {
  const [place, tracking = ""] = linesOf(answer);
  // Reference, its address, stratum, when, and the seconds that the clock is off; whether it is synchronised comes last.
  const fields = tracking.split(",");
  const [, server = "", stratum, , seconds = ""] = fields;
  if (stratum === undefined) return failed(`chrony does not answer: ${answer.trim() || "nothing"}`);
  const isContainer = place === "container";
  if (fields.at(-1) === "Not synchronised") {
    return isContainer
      ? passed(
          "not known: the clock is that of the container's machine, and no time server answers",
        )
      : failed("not synchronised: no time server answers");
  }
  const off = Math.abs(Number(seconds));
  const seen = `${off.toFixed(6)} s off, says ${server}${isContainer ? "; the clock is that of the container's machine" : ""}`;
  return off < mostSeconds ? passed(seen) : failed(seen);
}

function linesOf(answer: string): readonly string[] {
  return answer.split("\n").filter((line) => line !== "");
}
