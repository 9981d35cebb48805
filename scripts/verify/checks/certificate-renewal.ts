/** Whether each load balancer that gets its certificate from an authority by itself still can. */
import { sh } from "../../../provider/ssh/shell";
import { type Check, type Finding, failed, passed } from "../check";
import { type Endpoints, hostsWith } from "../endpoints";

export function certificateRenewalChecks(endpoints: Endpoints): readonly Check[] {
  const { certificateUnit: unit } = endpoints;
  if (unit === undefined) return [];
  return hostsWith(endpoints, "load-balancer").map((host) => ({
    name: `${host.name}: its certificate is renewed by itself`,
    expected: `${unit}.timer is active, and its last run succeeded`,
    remedy: `why: journalctl -u ${unit} on ${host.name}; it is tried again each hour, or by systemctl start ${unit}`,
    deadlineSeconds: 30,
    run: async (site) => judgeRenewal(await site.run(host, question(unit).text, 25)),
  }));
}

/** A run that is under way is waited for, but not for long: the authority may let it wait. */
function question(unit: string) {
  return sh`export LC_ALL=C
state() { systemctl show -P ActiveState -- "$1"; }
n=0; while [ "$(state ${`${unit}.service`})" = activating ] && [ $n -lt 20 ]; do n=$((n + 1)); sleep 0.5; done
printf 'timer=%s\nrun=%s\nresult=%s\n' "$(state ${`${unit}.timer`})" "$(state ${`${unit}.service`})" "$(systemctl show -P Result -- ${`${unit}.service`})"
journalctl -q --no-pager -o cat -n 1 -t ${unit} -u ${`${unit}.service`} | cut -c 1-300`;
}

/** `said` are the last words of the run. */
export function judgeRenewal(text: string): Finding {
  const value = (name: string) => new RegExp(`^${name}=(.*)$`, "m").exec(text)?.[1] ?? "";
  const said = text.trim().split("\n").slice(3).join(" ").trim();
  if (value("timer") !== "active") return failed(`its timer is ${value("timer") || "not there"}`);
  if (value("run") === "activating") return passed(`a run is under way: ${said}`);
  const result = value("result");
  if (result !== "success") return failed(`its last run ended with ${result}: ${said}`);
  return passed("its last run succeeded");
}
