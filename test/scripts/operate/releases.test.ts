import test from "ava";
import {
  parseReleases,
  type ReleaseEntry,
  renderReleases,
  renderReleasesJson,
} from "../../../scripts/operate/releases";

const said = `current bbb
version aaa
version bbb
release 2026-11-29T07:01:00Z\tbbb\taaa\tada@laptop\t0123456789ab\tdone\t
release 2026-11-29T07:02:00Z\tccc\tbbb\tada@laptop\t0123456789ab-dirty\ttaken back\tshop ended 5 times by itself; all is put back as it was. What it said first
release 2026-11-29T07:03:00Z\tbbb\tbbb\truntime user@ci\t\tdone\t
release cut off in the mid
`;

const shop = parseReleases("web-01", said);

test("a host says what is there, and since when", (t) => {
  t.like(shop, { current: "bbb", since: "2026-11-29T07:01:00Z", versions: ["aaa", "bbb"] });
  t.deepEqual(shop.releases[1], {
    ...{ at: "2026-11-29T07:02:00Z", version: "ccc", before: "bbb", who: "ada@laptop" },
    ...{ commit: "0123456789ab-dirty", result: "taken back", why: "shop ended 5 times by itself" },
  } satisfies ReleaseEntry);
  t.is(shop.releases.length, 3);
});

test("the table shows the last lines, and names a host that does not answer", (t) => {
  const hosts = [
    shop,
    parseReleases("web-02", "current \n"),
    { host: "web-03", fault: "no answer" },
  ];
  const report = { stack: "prod", hosts };
  t.is(
    renderReleases(report, 2),
    `web-01: bbb is live since 2026-11-29 07:01:00Z; also there: aaa
  2026-11-29 07:02:00Z  ccc                  ada@laptop       0123456789ab-dirty  taken back: shop ended 5 times by itself
  2026-11-29 07:03:00Z  bbb (configuration)  runtime user@ci  -                   done

web-02: no version is live

web-03: not known: no answer
`,
  );
  t.deepEqual(JSON.parse(renderReleasesJson(report)), {
    ...{
      stack: "prod",
      hosts: [{ ...shop }, { host: "web-02", current: "", versions: [], releases: [] }, hosts[2]],
    },
  });
});
