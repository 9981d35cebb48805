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

test("draws the stack whose hosts are load balancers and more, and the address that these share", (t) => {
  const [one, two, three] = ["lb-01", "web-01", "web-02"].map(
    (name) => Object(sampleOutput.hosts)[name],
  );
  const output = {
    ...sampleOutput,
    url: "http://172.31.64.10",
    virtualAddress: "172.31.64.10",
    hosts: {
      "node-01": { ...one, roles: ["load-balancer", "database-primary"] },
      "node-02": { ...two, roles: ["load-balancer", "web", "database-replica"] },
      "node-03": { ...three, roles: ["web", "database-replica"] },
    },
  };
  isGolden(t, "infrastructure-ha.svg", renderDiagram(parseEndpoints(output)));
});

test("names stay text", (t) => {
  const svg = renderDiagram(parseEndpoints({ ...sampleOutput, url: "http://x/?<&>" }));
  t.true(svg.includes("http://x/?&#60;&#38;&#62;"));
});
