/** Copies are made: of the database's binary logs each minute and of all of it each day, by whichever member it is. */
import { sh } from "../../../provider/ssh/shell";
import { type Check, type Finding, failed, passed } from "../check";
import { databaseHosts, type Endpoints } from "../endpoints";
import { factsFolder } from "../monitoring";

/** A run of the timer, with one that failed and was made again. */
const logsMinutes = 5;
const fullHours = 26;

export function backupChecks(endpoints: Endpoints): readonly Check[] {
  const { backup } = endpoints;
  if (backup === undefined) return [];
  const members = databaseHosts(endpoints).filter(({ name }) => backup.machines.includes(name));
  if (members.length === 0) return [];
  const question = sh`date +%s; cat ${factsFolder}/trilithon-backup-full.prom ${factsFolder}/trilithon-backup-logs.prom 2>/dev/null || true`;
  const names = members.map(({ name }) => name).join(", ");
  const check: Check = {
    name: `${names}: one of them has its database copied`,
    expected: `binary logs at most ${logsMinutes} minutes old, a full copy at most ${fullHours} hours old`,
    remedy:
      "npm run backup -- now; why: journalctl -u trilithon-backup -u trilithon-backup-logs on the members",
    deadlineSeconds: 25,
    run: async (site) =>
      judgeBackups(
        await Promise.all(members.map((host) => site.run(host, question.text, 10).catch(() => ""))),
      ),
  };
  return [check];
}

/** What the members say: the seconds of their clock, and when they last made which copy. */
export function judgeBackups(answers: readonly string[]): Finding {
  const youngest = (what: string) => {
    const ages = answers.flatMap((answer) => {
      const [, now] = /^(\d+)$/m.exec(answer) ?? [];
      const [, made] = new RegExp(`what="${what}"\\} (\\d+)$`, "m").exec(answer) ?? [];
      return now === undefined || made === undefined ? [] : [Number(now) - Number(made)];
    });
    return ages.length === 0 ? undefined : Math.min(...ages);
  };
  const [logs, full] = [youngest("logs"), youngest("full")];
  if (logs === undefined || full === undefined) {
    const missing = [
      ...(full === undefined ? ["copy"] : []),
      ...(logs === undefined ? ["log"] : []),
    ];
    return failed(`no member has made a ${missing.join(" or a ")}`);
  }
  const seen = `logs ${Math.round(logs / 6) / 10} minutes old, a copy ${Math.round(full / 360) / 10} hours old`;
  return logs <= logsMinutes * 60 && full <= fullHours * 3600 ? passed(seen) : failed(seen);
}
