import type { Context, Host, Properties } from "../../kind";
import { sh } from "../../ssh/shell";

/**
 * What an import's id stands for: a unit on one of the stack's machines, the package it comes from, and the files to
 * take over: `lb-01/haproxy.service:/etc/haproxy/haproxy.cfg,/etc/haproxy/errors/503.http`.
 */
export async function imported(
  id: string,
  hosts: ReadonlyMap<string, Host>,
  context: Context,
): Promise<Properties> {
  const [, name = "", unit, paths] = /^([^/]+)\/([^:/]+)(?::(\/.*))?$/.exec(id) ?? [];
  if (unit === undefined) {
    throw new Error(
      `${id}: expected HOST/UNIT:PATH,PATH such as lb-01/haproxy.service:/etc/haproxy/haproxy.cfg`,
    );
  }
  const host = hosts.get(name);
  if (host === undefined) {
    throw new Error(
      `${id}: no existing machine ${name} with a hostKey is listed in trilithon:hosts of this stack`,
    );
  }
  const owner = await context.ask(host, packageOf(unit).text, `reading ${unit}`);
  const packages = owner.trim() === "" ? {} : { [owner.trim()]: "present" };
  const files = (paths?.split(",") ?? []).map((path) => [path, { content: "" }]);
  return { host: { ...host }, unit, packages, files: Object.fromEntries(files) };
}

/** /lib is a link to /usr/lib today, and packages name either. */
function packageOf(unit: string) {
  return sh`
path=$(systemctl show -P FragmentPath -- ${unit})
for candidate in "$path" "\${path#/usr}" "/usr$path"; do
  owner=$(dpkg-query -S "$candidate" 2>/dev/null) && printf '%s\n' "\${owner%%:*}" && break
done || true`;
}
