/** The programs in docs/dns.md, against the package's own types and what `dns-providers.d.ts` declares of the providers' packages. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import ts from "typescript";
import { localFolder, root } from "../../scripts/setup/environment";

const page = readFileSync(join(root, "docs", "dns.md"), "utf8");
const programs = [...page.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, text = ""]) => text);

/** What the compiler says of programs that import the package. */
function faultsOf(texts: readonly string[]): readonly string[] {
  mkdirSync(localFolder, { recursive: true });
  const folder = mkdtempSync(join(localFolder, "dns-page-"));
  try {
    const files = texts.map((text, index) => {
      const file = join(folder, `program-${index}.ts`);
      writeFileSync(file, text);
      return file;
    });
    const program = ts.createProgram(
      [...files, join(root, "test", "support", "dns-providers.d.ts")],
      {
        ...{ strict: true, noEmit: true, skipLibCheck: true, esModuleInterop: true },
        ...{ target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.CommonJS, types: ["node"] },
        ...{ moduleResolution: ts.ModuleResolutionKind.Node10 },
        paths: { trilithon: [join(root, "components", "main.ts")] },
      },
    );
    return files.flatMap((file) =>
      ts
        .getPreEmitDiagnostics(program, program.getSourceFile(file))
        .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, "\n")),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("the programs that keep the records at a provider are sound", (t) => {
  t.is(programs.length, 2);
  t.deepEqual(faultsOf(programs), []);
});

test("one that is not is told", (t) => {
  const [aws = ""] = programs;
  const faults = faultsOf([aws.replace("zoneId: zone.zoneId", "zone: zone.zoneId")]);
  t.regex(faults.join("\n"), /zoneId/);
});
