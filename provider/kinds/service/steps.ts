/** What each step does in the script of a transaction, whose own `keep`, `beside`, `swap`, `fail` and `progress` it uses. */

import { lines, Shell, sh } from "../../ssh/shell";
import type { Drain, Service } from "./args";
import { renderWatch } from "./canary";
import { renderDependencyLinks, renderMaking } from "./dependencies";
import { renderLastingFolder } from "./lasting";
import { renderReset, renderResetAtStart } from "./overrides";
import { renderGive, renderLinks } from "./persistent";
import type { ServiceStep, UnitAction } from "./plan";
import { type HttpProbe, renderHttpProbe } from "./probe";
import { renderReloaded, renderWait } from "./ready";
import { renderCommand } from "./release-command";
import { causes, withoutFrames } from "./stack-frames";
import { viewOf } from "./units";

/** Makes the new file beside the old one; nothing that is live has changed yet. */
export function renderStage(step: ServiceStep): Shell | false {
  switch (step.do) {
    case "write":
      return sh`
keep ${step.path}
make_folder "$(dirname ${step.path})"
new=$(beside ${step.path})
(umask 077; printf '%s' ${step.file.content} >"$new") && chown ${`${step.file.owner}:${step.file.group}`} "$new" && chmod ${step.file.mode} "$new" && sync -- "$new" || fail ${`cannot write ${step.path}`}`;
    case "set mode":
    case "remove":
    case "move aside":
      return sh`keep ${step.path}`;
    default:
      return false;
  }
}

export function renderStep(service: Service): (step: ServiceStep) => Shell | false {
  return (step) => {
    // One of `moreUnits`, if the step names it.
    const unitName =
      "unit" in step && step.do !== "run" && step.do !== "make" ? step.unit : undefined;
    const desired = unitName === undefined ? service : viewOf(service, unitName);
    const { root = "", name } = desired;
    switch (step.do) {
      case "create user":
        return sh`
if getent passwd ${step.name} >/dev/null; then usermod --home ${step.home} ${step.name}
else useradd --system --user-group --no-create-home --home-dir ${step.home} --shell /usr/sbin/nologin ${step.name}
fi || fail ${`cannot create the user ${step.name}`}`;
      case "send":
        return lines(
          renderLinks(desired),
          sh`
progress ${`putting version ${step.version} in place`}
version=${`${root}/releases/${step.version}`}
unpacking=yes
[ -e "$version" ] || sent=$version
mkdir -p ${`${root}/releases`} ${`${root}/.listings`} && take_incoming "$version.partial" && add_links && ${renderLastingFolder(sh`"$version.partial"`)} && rm -rf -- "$version" && mv -T -- "$version.partial" "$version" && listing "$version" >${`${root}/.listings/${step.version}`} || fail ${`cannot put version ${step.version} in place`}`,
        );
      case "make":
        return renderMaking(step, desired);
      case "link":
        return renderDependencyLinks(step, desired);
      case "run":
        return renderCommand(step, desired);
      case "switch":
        return sh`
former=$(readlink -- ${step.path} || true)
before=$(readlink -- ${`${root}/previous`} || true)
switched=yes
if [ -n "$former" ] && [ "$former" != ${`releases/${step.version}`} ]; then point ${`${root}/previous`} "$former"; fi &&
  point ${step.path} ${`releases/${step.version}`} || fail ${`cannot switch ${step.path}`}`;
      case "write":
        return sh`swap "$(beside ${step.path})" ${step.path} || fail ${`cannot put ${step.path} in place`}`;
      case "set mode":
        return sh`chown ${`${step.file.owner}:${step.file.group}`} -- ${step.path} && chmod ${step.file.mode} -- ${step.path} || fail ${`cannot set the mode of ${step.path}`}`;
      case "remove":
        return sh`put_original_back ${step.path} || rm -f -- ${step.path} || fail ${`cannot remove ${step.path}`}`;
      case "move aside":
        return sh`rm -f -- ${step.path} || fail ${`cannot remove ${step.path}`}`;
      case "check":
        return sh`
said=$(${desired.check ?? []} 2>&1 </dev/null) || fail ${`the new configuration of ${name} is refused by its check, nothing was changed:`}"
$said"`;
      case "unit":
        return unit(step.action, desired);
      case "enable":
      case "disable":
        return sh`systemctl --quiet ${step.do} -- ${desired.unit ?? ""} >&2 </dev/null || fail ${`cannot ${step.do} ${name}`}
${new Shell(`${step.do}d`)}="$${new Shell(`${step.do}d`)} "${desired.unit ?? ""}`;
      case "wait":
        return lines(
          renderWords(desired),
          renderWait(desired),
          renderResetAtStart(desired),
          desired.drain !== undefined && undrain(desired.drain),
        );
      case "watch":
        return (
          desired.watch !== undefined &&
          renderWatch(
            step.version,
            desired.watch,
            desired.drain === undefined ? sh`:` : renderDrain(desired.drain, name),
          )
        );
      case "unmask":
        return sh`systemctl --quiet unmask -- ${desired.unit ?? ""} >&2 </dev/null || fail ${`cannot unmask ${name}`}`;
      case "undrain":
        return sh`rm -f -- ${step.path}`;
      case "reset":
        return renderReset(desired);
      case "reread":
        return sh`systemctl daemon-reload || fail 'systemd cannot read its units again'`;
      case "give":
        return renderGive(step);
      // On all hosts, before the transaction: `together.ts`.
      case "close":
      // After it: `release-command.ts`.
      case "run afterwards":
      case "keep":
      case "let go":
      case "later":
      case "refuse":
      case "adopt":
      case "note":
        return false;
      default:
        return step satisfies never;
    }
  };
}

function unit(action: UnitAction, desired: Service): Shell {
  const { unit = "", name, drain, log } = desired;
  return lines(
    sh`
systemctl daemon-reload
case $(systemctl show -P LoadState -- ${unit}) in bad-setting | error)
  undone='nothing was changed'
  if [ -n "$acted" ]; then undone='all is put back as it was'; fi
  fail ${`systemd does not take the unit of ${name}, `}"$undone:
$(systemctl show -P LoadError -- ${unit})
$(journalctl --no-pager -q -o cat -n 5 _PID=1 -u ${unit} 2>/dev/null)" ;;
esac`,
    action === "restart" && drain !== undefined && renderDrain(drain, name),
    sh`
acted="$acted "${unit}
since=\${since:-$(date +%s)}`,
    renderWords(desired),
    sh`
progress ${`${action} ${name}`}
main=$(systemctl show -P MainPID -- ${unit})
workers=" $(children "$main" | tr '\n' ' ')"
${log === undefined ? sh`:` : sh`log_lines=$(wc -l 2>/dev/null <${log} || echo 0)`}
${action === "reload" ? sh`:` : sh`systemctl show -P InvocationID -- ${unit} >"$undo/"${unit}.invocation`}
systemctl reset-failed -- ${unit} 2>/dev/null
said=$(systemctl ${action} -- ${unit} 2>&1 </dev/null) || fail ${`${name} did not ${action}; all is put back as it was:`}"
$said
$(journal)"`,
    // What it has started goes with it. Nobody minds that it is down.
    action === "stop" ? stopTimed(unit) : sh`restarts_of ${unit} >"$undo/"${unit}.restarts`,
    action === "reload" && renderReloaded(desired),
  );
}

/** The service of a timer may run just now. */
export function stopTimed(unit: string): Shell | false {
  if (!unit.endsWith(".timer")) return false;
  return sh`systemctl stop -- ${unit.replace(/\.timer$/, ".service")} >/dev/null 2>&1 </dev/null || true`;
}

/** How many lines an error shows, and among how many of the last those of a stack are left out. */
const [firstLines, searchedLines] = [15, 500];

/**
 * What a unit said since it was acted on. With what the question was answered it is no more than what an error shows. `first_words
 * UNIT` are the last ones of its first start since, with how that ended and its first error: what it said in its last moments is
 * the error, or comes of it.
 */
function renderWords({ unit = "", log }: Service): Shell {
  return sh`
new_log() { ${log === undefined ? sh`:` : sh`tail -n +$((log_lines + 1)) -- ${log} 2>/dev/null`}; }
journal() {
  journalctl --no-pager -q -o cat -n ${searchedLines} --since "@$since" -u ${unit} 2>/dev/null | ${withoutFrames} | tail -n 10
  new_log | tail -n 6
}
first_words() {
  first=$(journalctl --no-pager -q -o export --output-fields=INVOCATION_ID,_SYSTEMD_INVOCATION_ID --since "@$since" -u "$1" 2>/dev/null |
    sed -n -E 's/^(_SYSTEMD_)?INVOCATION_ID=//p' | grep -vxF -e "$(cat "$undo/$1.invocation" 2>/dev/null)" | sed -n 1p)
  # Of one that says a word and ends at once the journal may know the unit alone, not which start it was.
  words=
  if [ -n "$first" ]; then words=$(journalctl --no-pager -q -o cat -n 1 --since "@$since" "_SYSTEMD_INVOCATION_ID=$first" 2>/dev/null); fi
  if [ -n "$words" ]; then journalctl --no-pager -q -o cat -n ${searchedLines} --since "@$since" "_SYSTEMD_INVOCATION_ID=$first" + "INVOCATION_ID=$first" 2>/dev/null | ${causes(firstLines)}
  else journalctl --no-pager -q -o cat --since "@$since" -u "$1" 2>/dev/null | ${withoutFrames} | sed -n ${`1,${firstLines}p`}; fi
  new_log | head -n ${firstLines}
}`;
}

/**
 * The host gets nothing new, and what is under way ends, unless that was done before. The last server that serves is not taken out:
 * nobody else would answer.
 */
export function renderDrain(drain: Drain, name: string): Shell {
  const { file, seconds, allowed, takenCommand, finishSeconds = 30 } = drain;
  const finished = finishedProbe(drain);
  const undrained = `${name} restarts without being drained, and requests fail until it is ready`;
  const out = sh`progress 'draining' ; mkdir -p -- "$(dirname ${file})" && : >${file} && drained=yes && sleep ${seconds}`;
  // It is better here than nowhere.
  const takeAgain =
    takenCommand !== undefined &&
    sh`
if ! ${takenCommand} >/dev/null 2>&1 </dev/null; then
  rm -f -- ${file}; drained= alone=yes
  progress ${`warning: no other server took over: ${undrained}`}
fi`;
  const finish =
    finished !== undefined &&
    sh`
if [ -n "$drained" ]; then
progress 'waiting until the requests under way have ended'
end=$(($(date +%s) + ${finishSeconds}))
until ${finished} >/dev/null 2>&1 </dev/null; do
  if [ "$(date +%s)" -ge "$end" ]; then progress ${`requests still under way after ${finishSeconds} seconds: cut off`}; break; fi
  sleep 0.5
done
fi`;
  if (allowed === undefined)
    return lines(sh`if [ -z "$drained$alone" ]; then`, out, takeAgain, finish, sh`fi`);
  return lines(
    sh`
if [ -z "$drained$alone" ]; then
progress 'waiting until another server serves'
end=$(($(date +%s) + ${allowedSeconds}))
until { ${anyOf(allowed)}; } >/dev/null 2>&1 </dev/null; do
  if [ "$(date +%s)" -ge "$end" ]; then alone=yes; break; fi
  sleep 0.5
done
if [ -n "$alone" ]; then
  progress ${`warning: no other server serves: ${undrained}`}
else`,
    out,
    takeAgain,
    finish,
    sh`fi; fi`,
  );
}

/** Ends with 0 when nothing is under way any more. */
export function finishedProbe({ finished, finishedCommand }: Drain): Shell | undefined {
  if (finishedCommand !== undefined) return sh`${finishedCommand}`;
  return finished && renderHttpProbe(finished);
}

/** One that is asked may be down itself. */
function anyOf(probes: readonly HttpProbe[]): Shell {
  return new Shell(probes.map((probe) => renderHttpProbe(probe).text).join(" || "));
}

/** One that was changed just before needs some seconds until the load balancer finds it well. */
const allowedSeconds = 20;

function undrain({ file, seconds }: { readonly file: string; readonly seconds: number }): Shell {
  return sh`alone=; if [ -n "$drained" ]; then rm -f -- ${file} && drained= && sleep ${seconds}; fi`;
}
