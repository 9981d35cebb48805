import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import test from "ava";
import { firstFile, hashFolder, isGuestBook } from "../../components/source-folder";

const options = { excludedNames: [".git", "node_modules"] };

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "trilithon-source-"));
  mkdirSync(join(folder, "public/static"), { recursive: true });
  writeFileSync(join(folder, "server.js"), "serve()\n");
  writeFileSync(join(folder, "public/static/page.css"), "a {}\n");
  return folder;
}

test("the same content is the same version, wherever and whenever it was written", (t) => {
  const [one, two] = [makeFolder(), makeFolder()];
  utimesSync(join(one, "server.js"), 1, 1);
  chmodSync(join(one, "server.js"), 0o600);
  t.is(hashFolder(one, options), hashFolder(two, options));
  t.regex(hashFolder(one, options), /^[0-9a-f]{16}$/);
});

const changes: readonly (readonly [string, (folder: string) => void])[] = [
  ["another content", (folder) => writeFileSync(join(folder, "server.js"), "serve( )\n")],
  ["another file", (folder) => writeFileSync(join(folder, "empty"), "")],
  ["a file made executable", (folder) => chmodSync(join(folder, "server.js"), 0o755)],
  ["a link", (folder) => symlinkSync("server.js", join(folder, "main.js"))],
];

for (const [title, change] of changes) {
  test(`${title} is another version`, (t) => {
    const folder = makeFolder();
    const before = hashFolder(folder, options);
    change(folder);
    t.not(hashFolder(folder, options), before);
  });
}

test("a link that leads to what is on this machine alone is refused", (t) => {
  const folder = makeFolder();
  const within = join(folder, "storage");
  symlinkSync(within, join(folder, "public/storage"));
  t.throws(() => hashFolder(folder, options), {
    message: `${folder}/public/storage: expected a link that leads to the same on a host, got ${within}: make it relative (ln -srfn ${within} ${folder}/public/storage)`,
  });
  t.notThrows(() => hashFolder(folder, { ...options, excludedFolder: "dist" }), "it is not sent");
  const other = makeFolder();
  symlinkSync(`../${basename(folder)}/server.js`, join(other, "lib.js"));
  t.throws(() => hashFolder(other, options), {
    message: `${other}/lib.js: expected a link that leads to the same on a host, got ../${basename(folder)}/server.js: put what it leads to into the folder`,
  });
});

test("a link to what hosts may have is sent as it is", (t) => {
  const folder = makeFolder();
  symlinkSync("/usr/bin/env", join(folder, "python"));
  symlinkSync("../../shared/nowhere-here", join(folder, "shared"));
  symlinkSync("../server.js", join(folder, "public/..data"));
  t.notThrows(() => hashFolder(folder, options));
});

test("a file name that is no UTF-8 is told", (t) => {
  const folder = makeFolder();
  writeFileSync(Buffer.concat([Buffer.from(`${folder}/caf`), Buffer.from([0xe9])]), "");
  t.throws(() => hashFolder(folder, options), {
    message: `${folder}/caf\uFFFD: expected a file name in UTF-8: give it another name`,
  });
});

test("another build command is another version", (t) => {
  const folder = makeFolder();
  t.not(hashFolder(folder, { ...options, salt: "make" }), hashFolder(folder, options));
});

test("what is excluded by its place counts elsewhere", (t) => {
  const folder = makeFolder();
  const excluding = { excludedNames: ["./vendor"] };
  const before = hashFolder(folder, excluding);
  mkdirSync(join(folder, "vendor"));
  writeFileSync(join(folder, "vendor/x"), "x");
  t.is(hashFolder(folder, excluding), before);
  mkdirSync(join(folder, "public/vendor"));
  writeFileSync(join(folder, "public/vendor/x"), "x");
  t.not(hashFolder(folder, excluding), before);
});

test("what is excluded or built makes no other version", (t) => {
  const folder = makeFolder();
  const all = { ...options, excludedFolder: join(folder, "dist") };
  const before = hashFolder(folder, all);
  for (const name of ["node_modules", ".git", "dist"]) {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, "x"), "x");
  }
  t.is(hashFolder(folder, all), before);
});

test("a folder that is missing is told by its name", (t) => {
  t.throws(() => hashFolder("/nowhere/at/all", options), {
    message: "the folder of the application does not exist: /nowhere/at/all",
  });
});

test("the first static file is found, if there is one", (t) => {
  const folder = makeFolder();
  t.is(firstFile(join(folder, "public")), "/static/page.css");
  t.is(firstFile(join(folder, "nothing")), undefined);
  t.is(firstFile(join(folder, "public"), ["/stat"]), "/static/page.css");
  t.is(firstFile(join(folder, "public"), ["/static"]), undefined);
});

test("what the web server leaves to the application is no static file", (t) => {
  const folder = makeFolder();
  for (const name of ["a.PHP", "a.php8", "a.js~", ".env"]) {
    writeFileSync(join(folder, "public", name), "");
  }
  t.is(firstFile(join(folder, "public")), "/static/page.css");
});

test("the sample application says that it is the guest book, wherever it stands; no other one is", (t) => {
  const folder = makeFolder();
  t.false(isGuestBook(folder));
  writeFileSync(join(folder, "verify.json"), '{"checks": []}');
  t.false(isGuestBook(folder));
  cpSync("app/verify.json", join(folder, "verify.json"));
  t.true(isGuestBook(folder));
  t.true(isGuestBook("./app"));
});
