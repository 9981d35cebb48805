/** In what order the cluster is closed, filled, compared and opened, and that what fails leaves it closed. */
import test from "ava";
import { restoreCluster } from "../../../scripts/restore/into-cluster";
import type { Site } from "../../../scripts/verify/check";
import { parseEndpoints } from "../../../scripts/verify/endpoints";
import { sampleOutput } from "../verify/sample";

const command = "/etc/haproxy/trilithon-edge";
const endpoints = parseEndpoints({ ...sampleOutput, edgeCommand: command });

const tables = (rows: number, checksum: number) =>
  `rows\tguestbook.entries\t${rows}\nchecksum\tguestbook.entries\t${checksum}\n`;

const restored = `copy 1769751429000000 web-02@lb-01 aaaaaaaa
until 1769751431250001
gtid 3e11fa47-71ca-11e1-9e33-c80aa9429562:1-23
${tables(3, 33)}scratch 127.0.0.1 3307 /scratch.sock
`;

const member = (state: object) =>
  JSON.stringify({
    ...{ isOpen: 0, sources: 0, hasQuorum: 1, isClosed: 0, isFollowing: 0, lag: 0 },
    ...{ socket: "/s", certificateEnds: null, ...state },
  });

/** Names of what hosts are told, in order; `after` is what the cluster has once it was filled. */
function makeSite(
  after: string,
  given: {
    readonly page?: string;
    readonly primary?: object;
    readonly definers?: string;
    readonly dump?: () => string;
    readonly closes?: () => string;
    readonly after?: () => string;
  } = {},
) {
  const done: string[] = [];
  let page = given.page ?? "off";
  const steps: readonly (readonly [RegExp, string, (script: string) => string])[] = [
    [/trilithon-restore scratch/, "restored", () => restored],
    [/information_schema\.COLUMNS/, "", () => ""],
    [/trilithon-restore definers guestbook$/, "", () => given.definers ?? ""],
    [/trilithon-restore make-definers guestbook$/, "definers", () => "refused\n"],
    [/mysqldump .* --no-data /, "tried", () => given.dump?.() ?? ""],
    [
      /trilithon-restore live/,
      "",
      () => (done.includes("loaded") ? (given.after?.() ?? after) : tables(9, 99)),
    ],
    [
      /maintenance (on|off)/,
      "page",
      (script) => (page = / on /.test(script) ? "on since x by y" : "off"),
    ],
    [/maintenance$/, "", () => page],
    [/read_only = ON/, "closed", () => given.closes?.() ?? ""],
    [/mysqldump/, "loaded", () => ""],
    [/WAIT_FOR_EXECUTED/, "awaited", () => "0"],
    [/gtid_executed/, "", () => "3e11fa47-71ca-11e1-9e33-c80aa9429562:1-29"],
    [/read_only = OFF/, "opened", () => ""],
    [/trilithon-restore stop/, "removed", () => ""],
  ];
  const site: Site = {
    endpoints,
    request: () => Promise.reject(new Error("not asked")),
    run: async ({ name }, script) => {
      if (script.includes("JSON_OBJECT")) {
        const replica = { sources: 1, isClosed: 1, isFollowing: 1 };
        return member(name === "web-01" ? (given.primary ?? { isOpen: 1 }) : replica);
      }
      const [, what, answer] = steps.find(([pattern]) => pattern.test(script.trim())) ?? [];
      if (what === undefined || answer === undefined) throw new Error(script);
      const said = answer(script);
      if (what !== "") done.push(what === "page" ? `page ${page.split(" ")[0]}` : what);
      return said;
    },
  };
  return { site, done };
}

const run = async (site: Site, ask?: () => Promise<boolean>) => {
  const lines: string[] = [];
  const add = (line: string) => void lines.push(line);
  const wish = { target: "latest", keys: {}, only: undefined, ask, say: add, tell: add };
  const status = await restoreCluster(site, wish).catch((error: Error) => error.message);
  return { status, said: lines.join("\n") };
};

const closing = ["restored", "tried", "page on", "closed", "loaded"];

test("it is closed, filled, compared, and opened once every member has it", async (t) => {
  const { site, done } = makeSite(tables(3, 33));
  const { status, said } = await run(site, () => Promise.resolve(true));
  t.is(status, 0, said);
  t.deepEqual(done, [...closing, "awaited", "opened", "page off", "removed"]);
  t.regex(said, /guestbook\.entries {2}9 -> 3/);
});

test("nothing is closed that nobody agreed to", async (t) => {
  const { site, done } = makeSite(tables(3, 33));
  t.is((await run(site, () => Promise.resolve(false))).status, 1);
  t.deepEqual(done, ["restored", "tried", "removed"]);
});

test("what is not as it was restored stays closed, and is told", async (t) => {
  const { site, done } = makeSite(tables(3, 34));
  const { status, said } = await run(site);
  t.is(status, "web-01: not as they were restored: guestbook.entries");
  t.deepEqual(done, closing);
  t.regex(said, /the site and web-01 stay closed: run it again/);
});

test("what fails as the primary is closed, or is looked at afterwards, says that the site stays closed", async (t) => {
  for (const part of ["closes", "after"] as const) {
    const broken = () => {
      throw new Error("connection lost");
    };
    const { site, done } = makeSite(tables(3, 33), { [part]: broken });
    const { status, said } = await run(site);
    t.is(status, "connection lost");
    t.true(done.includes("page on") && !done.includes("page off"));
    t.regex(said, /the site and web-01 stay closed: run it again/);
  }
});

test("a primary that an earlier run left closed is taken, and a page of somebody else's stays", async (t) => {
  const page = "on since x by somebody";
  const { site, done } = makeSite(tables(3, 33), { page, primary: {} });
  const { status, said } = await run(site);
  t.is(status, 0);
  t.regex(said, /the site was closed before, and stays so: npm run maintenance -- off opens it$/);
  t.deepEqual(done, ["restored", "tried", "closed", "loaded", "awaited", "opened", "removed"]);
});

test("whoever views act in the name of is made once they are there, and what is refused is told", async (t) => {
  const { site, done } = makeSite(tables(3, 33), { definers: "'shop'@'10.0.0.9'\n" });
  const { status, said } = await run(site);
  t.is(status, 0, said);
  t.deepEqual(done, [...closing, "definers", "awaited", "opened", "page off", "removed"]);
  t.regex(said, /act in their name: 'shop'@'10\.0\.0\.9'\n[\s\S]*^refused$/m);
});

test("what cannot be dumped is told before anything is closed", async (t) => {
  const dump = () => {
    throw new Error("a view without its table");
  };
  const { site, done } = makeSite(tables(3, 33), { dump });
  t.is((await run(site)).status, "a view without its table");
  t.deepEqual(done, ["restored"]);
});

test("without one member that takes writes nothing is restored", async (t) => {
  const { site, done } = makeSite("", { primary: { isClosed: 1 } });
  const { status } = await run(site);
  t.is(status, "expected one member that takes writes, got no member: npm run verify tells more");
  t.deepEqual(done, []);
});
