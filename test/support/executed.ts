/** What a change did to a machine in a folder, and what was announced of it, in the same words. */

import type { Entry } from "./sandbox";

/** From `web-01: create user app, write /etc/a (new, 1 line) [new]` to `create user app`, `write /etc/a`. */
export function announcedSteps(line: string): string[] {
  const sentences = /^web-01: (.*) \[[a-z ]+\]$/s.exec(line)?.[1]?.split(betweenSentences) ?? [];
  return sentences.map(announcedStep).filter((step) => step !== "");
}

/**
 * A comma before a word; but `restart web (no request lost, it ...)` is one sentence, and so are
 * `set /etc/a to mode 0644, owner root:root` and `run it once for version one, at most 600 seconds, now that all hosts have it`.
 */
const betweenSentences = /, (?=[a-z]+ )(?!owner )(?!at most )(?!now that )(?![^(]*\))/;

function announcedStep(sentence: string): string {
  for (const [form, step] of forms) {
    const [, first = ""] = form.exec(sentence) ?? [undefined];
    if (form.test(sentence)) return step.replace("$", first);
  }
  throw new Error(`an unknown sentence: ${sentence}`);
}

const forms: readonly (readonly [form: RegExp, step: string])[] = [
  [/^create user (\S+)$/, "create user $"],
  [/^set the home of user (\S+) to/, "set home of $"],
  [/^write (.*) \(/, "write $"],
  [/^set (.*) to mode/, "set $"],
  [/^remove (.*) \(what stood there before is put back\)$/, "write $"],
  [/^remove (.*)$/, "remove $"],
  [/^move (.*) aside$/, "remove $"],
  [/^move (.*) aside if a package brings it$/, ""],
  [/^send version (\S+)$/, "send $"],
  [/^keep /, ""],
  [/^give /, ""],
  [/^make its dependencies by `(.*)`, at most/, "run $"],
  [/^link the dependencies /, ""],
  [/^run `(.*)` once for version/, "run $"],
  // The link leads there already.
  [/^switch .* to (\S+) \(now \1, edited in place\)$/, ""],
  [/^switch .* to (\S+)/, "switch $"],
  [/^check it$/, "check"],
  [/^drain the host and (restart) /, "$"],
  [/^(start|restart|reload|stop) /, "$"],
  [/^(enable|disable) /, "$"],
  [/^wait until \S+ is ready$/, "ready"],
  [/^watch it as a canary for /, ""],
  [/^adopt /, ""],
  [/^unmask /, "unmask"],
  [/^end the drain that was left behind \((.*)\)$/, ""],
  [/^have systemd read the unit of /, ""],
  [/^take note of /, ""],
];

/** Another file of the same name has another inode. */
export interface NumberedEntry extends Entry {
  readonly inode: bigint;
}

/** What the stubs logged, and what is otherwise in the files. `does check` and `does ready` stand for themselves. */
export function executedSteps(
  log: readonly string[],
  before: Readonly<Record<string, NumberedEntry>>,
  after: Readonly<Record<string, NumberedEntry>>,
): string[] {
  return [...log.flatMap(loggedSteps), ...fileSteps(before, after)];
}

function loggedSteps(line: string): string[] {
  const [verb = ""] = line.split(" ");
  if (line === "daemon-reload" || verb === "sleep") return [];
  if (["start", "restart", "reload", "stop", "enable", "disable", "unmask"].includes(verb))
    return [verb];
  return [line];
}

function fileSteps(
  before: Readonly<Record<string, NumberedEntry>>,
  after: Readonly<Record<string, NumberedEntry>>,
): string[] {
  // Each sending makes other files; links come and go without one.
  const sent = new Set(
    Object.entries(after)
      .filter(
        ([path, { content, inode }]) => !content.startsWith("-> ") && before[path]?.inode !== inode,
      )
      .flatMap(([path]) => versionOf(path)),
  );
  const versions = new Set(Object.keys(before).flatMap(versionOf));
  const added = new Set([...sent].filter((version) => !versions.has(version)));
  const paths = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return [
    ...[...sent].map((version) => `send ${version}`),
    ...paths
      .filter((path) => versionOf(path).length === 0 && !isByTheWay(path))
      .flatMap((path) => fileStep(path, before[path], after[path], added)),
  ];
}

function fileStep(
  path: string,
  before: Entry | undefined,
  after: Entry | undefined,
  added: ReadonlySet<string>,
): string[] {
  if (path.endsWith("/current")) {
    const target = after?.content.replace(/.*\//, "") ?? "nothing";
    // A link that led nowhere may have the right text already.
    return before?.content === after?.content && !added.has(target) ? [] : [`switch ${target}`];
  }
  if (after === undefined) return [`remove ${path}`];
  if (before?.content !== after.content) return [`write ${path}`];
  return before.mode === after.mode && before.owner === after.owner ? [] : [`set ${path}`];
}

/** What goes with sending and switching a version. */
function isByTheWay(path: string): boolean {
  return /\/\.listings\/[^/]+$|\/\.(commanded|afterwards|owed)$|\/previous(-\d+)?$|\/dependencies\//.test(
    path,
  );
}

function versionOf(path: string): string[] {
  const [, version] = /\/releases\/([^/]+)\//.exec(path) ?? [];
  return version === undefined ? [] : [version];
}
