/** The tables of arguments in docs/components.md: what the interfaces say, so that neither is without the other. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { root } from "../setup/environment";

export interface Argument {
  readonly name: string;
  readonly isRequired: boolean;
  readonly type: string;
  readonly meaning: string;
}

const table =
  /<!-- arguments: (?<name>\w+) in (?<file>\S+) -->\n[\s\S]*?<!-- end of arguments -->/g;

/** The page with each table made anew. */
export function withTables(page: string): string {
  return page.replace(table, (_, name: string, file: string) => {
    const rows = readArguments(file, name).map(renderRow);
    return `<!-- arguments: ${name} in ${file} -->
| Argument | Type | What it is |
|---|---|---|
${rows.join("\n")}
<!-- end of arguments -->`;
  });
}

/** Of one interface, as its source says; those that it extends are not among them. */
export function readArguments(file: string, name: string): readonly Argument[] {
  const text = readFileSync(join(root, file), "utf8");
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const found = source.statements.find(
    (one): one is ts.InterfaceDeclaration =>
      ts.isInterfaceDeclaration(one) && one.name.text === name,
  );
  if (found === undefined) throw new Error(`${file}: expected an interface ${name}`);
  return found.members.filter(ts.isPropertySignature).map((member) => ({
    name: member.name.getText(source),
    isRequired: member.questionToken === undefined,
    type: readType(member.type?.getText(source) ?? ""),
    meaning: readMeaning(member),
  }));
}

/** Without what does not matter to who writes a value. */
function readType(text: string): string {
  let type = text.replace(/\s+/g, " ").replace(/\breadonly /g, "");
  for (let former = ""; former !== type; ) {
    former = type;
    type = type.replace(/\b(?:pulumi\.Input|Readonly)<((?:[^<>]|<[^<>]*>)*)>/g, "$1");
  }
  return type;
}

function readMeaning(member: ts.PropertySignature): string {
  const comments = ts.getJSDocCommentsAndTags(member).filter(ts.isJSDoc);
  return comments
    .map(({ comment }) => ts.getTextOfJSDocComment(comment) ?? "")
    .join(" ")
    .replace(/\s+/g, " ")
    .trim();
}

function renderRow({ name, isRequired, type, meaning }: Argument): string {
  const cells = [isRequired ? `**\`${name}\`**` : `\`${name}\``, `\`${type}\``, meaning];
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}
