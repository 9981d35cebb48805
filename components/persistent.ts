/** Folders of an application that outlive its versions. */
import { type Fault, unexpected } from "./expectation";

/** `/var/lib/shop`: its home, and what it may write to whatever its version. systemd makes it (`StateDirectory`). */
export function stateFolder(name: string): string {
  return `/var/lib/${name}`;
}

/** As a `Release` takes them: path in each version to the folder that stands behind it. */
export function describePersistent(name: string, paths: readonly string[]) {
  return Object.fromEntries(
    paths.map((path) => [path, { folder: `${stateFolder(name)}/${path}`, owner: name }]),
  );
}

/** The paths at which Nginx serves what the application writes: `/uploads` for `public/uploads`. */
export function writtenPaths(paths: readonly string[]): readonly string[] {
  return paths.filter((path) => path.startsWith("public/")).map((path) => path.slice(6));
}

/** Each once, and none below another. */
export function checkPersistent({
  persistent,
}: {
  readonly persistent?: unknown;
}): readonly Fault[] {
  const paths: unknown[] = Array.isArray(persistent) ? persistent : [];
  const texts = paths.map(String);
  return texts.flatMap((path, index) => {
    const isTwice = texts.indexOf(path) < index;
    const isBelow = texts.some((other) => path.startsWith(`${other}/`));
    const expected = "a folder that is not, and is not below, another one of the list";
    return isTwice || isBelow
      ? [{ path: `persistent[${index}]`, message: unexpected(expected, path) }]
      : [];
  });
}
