import test from "ava";
import { renderDiagram } from "../../../scripts/diagram/render";
import { parseEndpoints } from "../../../scripts/verify/endpoints";
import { isGolden } from "../../components/render/golden";
import { sampleOutput } from "../verify/sample";

test("draws the dev stack", (t) => {
  isGolden(t, "infrastructure.svg", renderDiagram(parseEndpoints(sampleOutput)));
});

test("draws hosts of one role, and more than two", (t) => {
  const { hosts } = sampleOutput;
  const more = {
    ...hosts,
    "web-03": { ...hosts["web-01"], roles: ["web"] },
    "db-03": { ...hosts["web-02"], roles: ["database-replica"] },
  };
  const svg = renderDiagram(parseEndpoints({ ...sampleOutput, hosts: more }));
  const count = (link: string) => svg.split(`class="link ${link}"`).length - 1;
  // Each is there once more, in the legend.
  t.deepEqual(["request", "write", "read", "replication"].map(count), [
    1 + 3 + 3 + 1,
    3 + 1,
    6 + 1,
    2 + 1,
  ]);
});

test("names stay text", (t) => {
  const svg = renderDiagram(parseEndpoints({ ...sampleOutput, url: "http://x/?<&>" }));
  t.true(svg.includes("http://x/?&#60;&#38;&#62;"));
});
