/** Text of others as GitHub-flavoured Markdown in which nothing of it is taken for markup, a link or a mention. */

import { makeVisible } from "./clean";

/**
 * Words that mean nothing to Markdown or to GitHub's own links: no `@name`, `#1`, `GH-1`, `:emoji:`, address or commit.
 */
const plainWord = /^[\p{L}\p{N}]+(?:['.,\u2019-][\p{L}\p{N}]+)*$/u;
const meaningful = /^(?:www\.|GH-\d|[0-9a-f]{7,40}$)/i;

/** One line of prose: words stay as they are, and whatever else there is stands as code. */
export function prose(text: string): string {
  const parts = makeVisible(text)
    .split(/\s+/)
    .filter((word) => word !== "")
    .map(splitWord);
  const pieces: string[] = [];
  let pending: string[] = [];
  const flush = () => {
    if (pending.length > 0) pieces.push(code(pending.join(" ")));
    pending = [];
  };
  for (const { before, word, after } of parts) {
    if (isPlain(word)) {
      flush();
      pieces.push(`${before}${word}${after}`);
      continue;
    }
    if (before !== "") flush();
    pending.push(word);
    if (before === "" && after === "") continue;
    flush();
    pieces.push(`${before}${pieces.pop()}${after}`);
  }
  flush();
  return pieces.join(" ");
}

/** Takes brackets and punctuation off a word, as they may stand beside code. */
function splitWord(text: string) {
  const [, before = "", word = "", after = ""] = /^(\(?)(.*?)(\)?[.,;:!?]?)$/s.exec(text) ?? [];
  if (word === "") return { before: "", word: text, after: "" };
  const isOpen = before === "" && after.startsWith(")");
  return isOpen && word.includes("(")
    ? { before, word: `${word})`, after: after.slice(1) }
    : { before, word, after };
}

function isPlain(word: string): boolean {
  return plainWord.test(word) && !meaningful.test(word);
}

/** A stretch of code on one line, safe in a table as well. */
export function code(text: string): string {
  const line = makeVisible(text.replace(/\s+/g, " "));
  const isSimple = line.trim() === line && line !== "" && !/[|`\\$]/.test(line);
  return isSimple ? `\`${line}\`` : htmlCode(text);
}

/** The same where Markdown is not looked at, as in `<summary>`; every character that could mean something is encoded. */
export function htmlCode(text: string): string {
  const line = makeVisible(text.replace(/\s+/g, " "));
  const encoded = line.replace(/[^A-Za-z0-9 /,;%+\u00a1-\u{10ffff}-]/gu, (character) =>
    character === "." ? "." : `&#${character.codePointAt(0)};`,
  );
  return `<code>${encoded.replace(/\bwww\./gi, (www) => `${www.slice(0, -1)}&#46;`) || " "}</code>`;
}

/** A block in which nothing means anything, fenced with more backticks than stand in it. */
export function fence(language: string, text: string): string {
  const longest = Math.max(0, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const ticks = "`".repeat(Math.max(3, longest + 1));
  return `${ticks}${language}\n${makeVisible(text)}\n${ticks}`;
}
