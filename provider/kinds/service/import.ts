import type { Host, Properties } from "../../kind";

/**
 * What an import's id stands for: a unit on one of the stack's machines, and the files to take over:
 * `lb-01/haproxy.service:/etc/haproxy/haproxy.cfg,/etc/haproxy/errors/503.http`.
 */
export async function imported(id: string, hosts: ReadonlyMap<string, Host>): Promise<Properties> {
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
  const files = (paths?.split(",") ?? []).map((path) => [path, { content: "" }]);
  return { host: { ...host }, unit, files: Object.fromEntries(files) };
}
