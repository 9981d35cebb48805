/** How the packages of an application are made on the hosts, where that is not the usual way. */
import * as v from "valibot";
import * as values from "../provider/schema/values";
import { integerIn, list, record, text } from "./rule";

/** How packages are made. */
export interface MakingArgs {
  /** As words, run in an empty folder with `files` in it: `["sh", "-c", "..."]`. */
  readonly command: readonly string[];
  /** Files and folders of the source that it needs, and that a build leaves in its output: another content makes them anew. */
  readonly files: readonly string[];
  /** How long it may take, at most 86400. Default 900. */
  readonly deadlineSeconds?: number;
}

const word = text("a word", (value) => /^[^\n\r\0]+$/.test(value));
const file = text("a path in the source, of letters, digits and . _ / -", (value) =>
  /^(?!.*\.\.)[A-Za-z0-9._][A-Za-z0-9._/-]*$/.test(value),
);

export const making = record("an object with command and files", {
  command: list("a command as a list of words", word, 1),
  files: list("a list of files", file, 1),
  deadlineSeconds: v.exactOptional(integerIn(values.commandSeconds)),
});
