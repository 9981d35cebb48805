/** The package source from which this machine installs, so that the image comes from the same. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The first address that serves Debian's main archive; `undefined` where none is configured. */
export function debianMirror(aptFolder = "/etc/apt"): string | undefined {
  const listFolder = join(aptFolder, "sources.list.d");
  const names = existsSync(listFolder) ? readdirSync(listFolder).sort() : [];
  const files = [join(aptFolder, "sources.list"), ...names.map((name) => join(listFolder, name))];
  return files
    .filter((file) => /\.(list|sources)$/.test(file) && existsSync(file))
    .flatMap((file) => addressesIn(readFileSync(file, "utf8")))
    .find((address) => /\/debian\/?$/.test(address));
}

function addressesIn(text: string): string[] {
  const lines = text.split("\n").map((line) => line.trim());
  return lines.flatMap((line) => {
    const oneLine = /^deb\s+(?:\[[^\]]*\]\s+)?(\S+)/.exec(line)?.[1];
    const list = /^URIs:\s*(.+)$/i.exec(line)?.[1];
    return oneLine ? [oneLine] : (list?.split(/\s+/) ?? []);
  });
}
