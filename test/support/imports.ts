/** Who imports whom: reads imports with TypeScript's parser, and judges them by the rooms of the project. */

import { posix } from "node:path";
import ts from "typescript";

export interface Import {
  /** Relative to the project, without an extension, as `components/host`. */
  readonly target: string;
  readonly isTypeOnly: boolean;
}

interface Room {
  /** A folder with its slash, or a file. The first room that fits counts. */
  readonly room: string;
  /** What it may import, besides packages. */
  readonly may: readonly string[];
  /** What it may import types from. */
  readonly mayTypes?: readonly string[];
}

const rooms: readonly Room[] = [
  { room: "index.ts", may: ["components/", "provider/resources/"] },
  { room: "components/render/", may: ["components/render/"], mayTypes: ["components/"] },
  { room: "components/", may: ["components/", "provider/resources/", "provider/schema/"] },
  // One description of each value for the plugin and for those who call it.
  { room: "provider/schema/", may: ["provider/schema/"] },
  { room: "provider/", may: ["provider/", "package.json"] },
  // The stand-ins are plugins of the same kind.
  { room: "offline/", may: ["offline/", "provider/"] },
  { room: "scripts/bench.ts", may: ["scripts/", "benchmark/"] },
  {
    room: "scripts/",
    may: [
      "scripts/",
      "package.json",
      // One place dials hosts and quotes shell words, for whoever asks a host.
      "provider/ssh/",
      // One list says what is worth a look, for Grafana and for `npm run dashboard`.
      "components/render/monitoring/panels",
    ],
  },
  { room: "app/", may: ["app/"] },
  { room: "benchmark/", may: ["benchmark/", "scripts/", "provider/", "test/support/"] },
  {
    room: "test/",
    may: [
      "test/",
      "app/",
      "benchmark/",
      "components/",
      "offline/",
      "provider/",
      "scripts/",
      "package.json",
      "index",
    ],
  },
];

/** Imports of other files of the project: static, dynamic, of types, by `require`, and what is exported on. */
export function importsOf(file: string, text: string): Import[] {
  const found: Import[] = [];
  const add = (specifier: ts.Node | undefined, isTypeOnly: boolean) => {
    if (specifier === undefined || !ts.isStringLiteralLike(specifier)) return;
    if (!specifier.text.startsWith(".")) return;
    const target = posix
      .join(posix.dirname(file), specifier.text)
      .replace(/\.(ts|js|mjs|cjs)$/, "");
    found.push({ target, isTypeOnly });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, isOfTypes(node.importClause));
    if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly);
    if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      add(node.argument.literal, true);
    }
    if (ts.isExternalModuleReference(node)) add(node.expression, false);
    if (ts.isCallExpression(node) && isLoading(node.expression)) add(node.arguments[0], false);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true));
  return found;
}

/** The imports of a file that its room does not allow, a line each. */
export function forbiddenImports(file: string, text: string): string[] {
  const room = rooms.find(({ room: name }) => isIn(file, name));
  if (room === undefined) return [`${file}: expected to be in a room, such as components/`];
  const { may, mayTypes = [] } = room;
  return importsOf(file, text)
    .filter(({ target, isTypeOnly }) => {
      const allowed = isTypeOnly ? [...may, ...mayTypes] : may;
      return !allowed.some((name) => isIn(target, name));
    })
    .map(
      ({ target, isTypeOnly }) =>
        `${file}: may not import ${isTypeOnly ? "types from " : ""}${target}`,
    );
}

/** Files that load each other, as the way round; types do not count. */
export function cycles(files: ReadonlyMap<string, string>): string[] {
  const graph = new Map(
    [...files].map(([file, text]) => [
      file.replace(/\.ts$/, ""),
      importsOf(file, text)
        .filter(({ isTypeOnly }) => !isTypeOnly)
        .map(({ target }) => target),
    ]),
  );
  const isDone = new Set<string>();
  const found: string[] = [];
  const walk = (file: string, way: readonly string[]): void => {
    if (way.includes(file)) found.push([...way.slice(way.indexOf(file)), file].join(" -> "));
    if (isDone.has(file) || way.includes(file)) return;
    for (const target of graph.get(file) ?? []) walk(target, [...way, file]);
    isDone.add(file);
  };
  for (const file of graph.keys()) walk(file, []);
  return found;
}

function isIn(file: string, room: string): boolean {
  return room.endsWith("/")
    ? file.startsWith(room)
    : file === room || file === room.replace(/\.ts$/, "");
}

function isOfTypes(clause: ts.ImportClause | undefined): boolean {
  if (clause === undefined) return false;
  if (clause.isTypeOnly) return true;
  const bindings = clause.namedBindings;
  return (
    clause.name === undefined &&
    bindings !== undefined &&
    ts.isNamedImports(bindings) &&
    bindings.elements.length > 0 &&
    bindings.elements.every(({ isTypeOnly }) => isTypeOnly)
  );
}

function isLoading(called: ts.Expression): boolean {
  return (
    called.kind === ts.SyntaxKind.ImportKeyword ||
    (ts.isIdentifier(called) && called.text === "require")
  );
}
