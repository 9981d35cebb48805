/** Asks MySQL on a host, as its root user over the local socket. */
import * as v from "valibot";
import { sh } from "../../provider/ssh/shell";
import type { Site } from "./check";
import type { EndpointHost } from "./endpoints";

/** Runs SQL whose answer is one JSON value in one row. */
export async function askMysql<const T extends v.GenericSchema>(
  site: Site,
  host: EndpointHost,
  question: { readonly sql: string; readonly answer: T; readonly deadlineSeconds?: number },
): Promise<v.InferOutput<T>> {
  const { sql, answer, deadlineSeconds = 10 } = question;
  const script = sh`printf %s ${sql} | LC_ALL=C mysql --batch --skip-column-names --raw`;
  const text = await site.run(host, script.text, deadlineSeconds);
  const line = text.trim().split("\n").at(-1) ?? "";
  return v.parse(answer, line === "" ? null : JSON.parse(line));
}

/** A set of GTIDs inside quotes: nothing but hexadecimal digits, tags and punctuation may stand in it. */
export function quoteGtidSet(set: string): string {
  const text = set.replaceAll(/\s/g, "");
  if (!/^[0-9a-z_:,-]*$/i.test(text)) throw new Error(`expected a set of GTIDs, got "${text}"`);
  return `'${text}'`;
}
