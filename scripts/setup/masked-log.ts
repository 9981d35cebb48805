/**
 * Pulumi's engine hides secrets in its debug log (`-v=9`), but for one kind of record: as it packs and unpacks what goes
 * between its processes, it logs what stands inside a secret, property by property. Here such a record names the property only.
 */

/** Persistent flags of the CLI that turn its log on. */
const flags = /^(-v|--v(erbose)?|--logtostderr)(=|\d|$)/;

export function asksForLog(args: readonly string[]): boolean {
  return args.some((arg) => flags.test(arg));
}

const property = /"msg":"(?:Unm|M)arshaling property for RPC\[.*?\]: (?:[^"=\\]|\\.)*=/;

/** A line of the log, which is one JSON object. */
export function maskRecord(line: string): string {
  const found = property.exec(line);
  return found ? `${line.slice(0, found.index + found[0].length)}[not shown]"}` : line;
}

export function maskLog(log: string): string {
  return log.split("\n").map(maskRecord).join("\n");
}
