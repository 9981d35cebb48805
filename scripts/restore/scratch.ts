/** Has a member restore: it is given the keys of all repositories for as long as that takes. */
import { lines, type Shell, sh } from "../../provider/ssh/shell";
import type { Site } from "../verify/check";
import type { EndpointHost } from "../verify/endpoints";
import type { BackupKey, BackupKeys } from "../verify/outputs";

const longestSeconds = 12 * 3600;

export interface Wanted {
  /** As `parseTarget` has it. */
  readonly target: string;
  readonly keys: BackupKeys;
  /** Microseconds since 1970: copies that were made later do not count. */
  readonly before?: string | undefined;
}

export async function restoreIntoScratch(
  site: Site,
  host: EndpointHost,
  wanted: Wanted,
): Promise<string> {
  return site.run(host, restoreScript(wanted).text, longestSeconds);
}

export async function removeScratch(site: Site, host: EndpointHost): Promise<void> {
  await site.run(host, sh`trilithon-restore stop`.text, 300);
}

/** Travels over standard input; what it writes is in memory alone, and `printf` is no program that `ps` could show. */
export function restoreScript({ target, keys, before }: Wanted): Shell {
  const places = Object.entries(keys).flatMap(([machine, own]) =>
    Object.entries(own).map(([place, key]) => writePlace(`${machine}@${place}`, key)),
  );
  return lines(
    sh`set -eu
umask 077
places=$(mktemp -d /run/trilithon-restore.XXXXXX)
trap 'rm -rf "$places"' EXIT
trap 'exit 1' HUP INT TERM`,
    ...places,
    sh`trilithon-restore scratch ${target} "$places" ${before ?? ""}`,
  );
}

function writePlace(name: string, { repository, password, ca, environment }: BackupKey): Shell {
  const variables = Object.entries(environment).map(
    ([variable, value]) => sh`export ${variable}=${value}`.text,
  );
  return lines(
    sh`mkdir "$places"/${name}`,
    writeFile(name, "repository", repository),
    writeFile(name, "password", password),
    ca !== undefined && writeFile(name, "ca.pem", ca),
    variables.length > 0 && writeFile(name, "environment", `${variables.join("\n")}\n`),
  );
}

function writeFile(place: string, file: string, content: string): Shell {
  return sh`printf %s ${content} >"$places"/${place}/${file}`;
}
