/** Versions of Debian packages: their order, and the patterns by which a program asks for them. */

/** Negative, 0 or positive, as `dpkg --compare-versions` orders them (deb-version(7)). */
export function compareVersions(one: string, other: string): number {
  const [a, b] = [parse(one), parse(other)];
  return (
    a.epoch - b.epoch || comparePart(a.upstream, b.upstream) || comparePart(a.revision, b.revision)
  );
}

/** Whether a version is wanted: `present` takes any, and a star in a pattern any text, as in `apt-get install haproxy=3.2.*`. */
export function matches(version: string, wanted: string): boolean {
  if (wanted === "present") return true;
  const pattern = wanted
    .split("*")
    .map((part) => part.replace(/[.+~:-]/g, "\\$&"))
    .join(".*");
  return new RegExp(`^${pattern}$`).test(version);
}

function parse(version: string) {
  const [, epoch = "0", upstream = "", revision = ""] =
    /^(?:([0-9]+):)?(.*?)(?:-([^-]*))?$/.exec(version) ?? [];
  return { epoch: Number(epoch), upstream, revision };
}

/** Texts and numbers in turn; a tilde sorts before everything, even the end. */
function comparePart(one: string, other: string): number {
  let [a, b] = [one, other];
  while (a !== "" || b !== "") {
    const [textA = "", textB = ""] = [/^[^0-9]*/.exec(a)?.[0], /^[^0-9]*/.exec(b)?.[0]];
    for (let at = 0; at < Math.max(textA.length, textB.length); at += 1) {
      const difference = weight(textA[at]) - weight(textB[at]);
      if (difference !== 0) return difference;
    }
    [a, b] = [a.slice(textA.length), b.slice(textB.length)];
    const [numberA = "", numberB = ""] = [/^[0-9]*/.exec(a)?.[0], /^[0-9]*/.exec(b)?.[0]];
    const difference = compareNumbers(numberA, numberB);
    if (difference !== 0) return difference;
    [a, b] = [a.slice(numberA.length), b.slice(numberB.length)];
  }
  return 0;
}

function weight(character: string | undefined): number {
  if (character === undefined) return 0;
  if (character === "~") return -1;
  return /[A-Za-z]/.test(character) ? character.charCodeAt(0) : character.charCodeAt(0) + 256;
}

/** Of any length: dates stand in versions. */
function compareNumbers(one: string, other: string): number {
  const [a, b] = [one.replace(/^0+/, ""), other.replace(/^0+/, "")];
  return a.length - b.length || (a < b ? -1 : a > b ? 1 : 0);
}
