import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { debianMirror } from "../../../scripts/setup/debian-mirror";

const cases: readonly [string, Record<string, string>, string | undefined][] = [
  [
    "the main archive of a one-line list",
    {
      "sources.list":
        "# deb http://old/debian sid main\ndeb [signed-by=/k arch=amd64] http://a.example/debian bookworm main\n",
    },
    "http://a.example/debian",
  ],
  [
    "the main archive, not the security one, of a deb822 file",
    {
      "sources.list.d/debian.sources":
        "Types: deb\nURIs: http://a.example/debian-security http://a.example/debian/\nSuites: sid\n",
    },
    "http://a.example/debian/",
  ],
  [
    "nothing among other vendors' archives and files put aside",
    {
      "sources.list.d/other.list": "deb https://a.example/node nodistro main\n",
      "sources.list.d/debian.list.disabled": "deb http://a.example/debian sid main\n",
    },
    undefined,
  ],
  ["nothing where nothing is configured", {}, undefined],
];

for (const [title, files, expected] of cases) {
  test(`finds ${title}`, (t) => {
    const folder = mkdtempSync(join(tmpdir(), "apt-"));
    mkdirSync(join(folder, "sources.list.d"));
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    t.is(debianMirror(folder), expected);
  });
}
