import test from "ava";
import { layOut } from "../../../scripts/diagram/layout";
import { renderDiagram } from "../../../scripts/diagram/render";
import { parseEndpoints } from "../../../scripts/verify/endpoints";
import { isGolden } from "../../components/render/golden";
import { sampleOutput, severalOutput } from "../verify/sample";

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

test("applications stand beside each other, each with its name and port", (t) => {
  const several = parseEndpoints(severalOutput);
  const { services } = layOut(several);
  for (const [index, { box: one }] of services.entries()) {
    for (const { box: other } of services.slice(index + 1)) {
      const isBeside = one.x + one.width <= other.x || other.x + other.width <= one.x;
      t.true(isBeside || one.y + one.height <= other.y || other.y + other.height <= one.y);
    }
  }
  const svg = renderDiagram(several);
  for (const name of ["guestbook :3000", "shop :3001", "blog :3002"]) t.true(svg.includes(name));
  // Two hosts have the guest book and the shop each, and the blog, on one of them, has no database.
  const count = (link: string) => svg.split(`class="link ${link}"`).length - 1;
  t.deepEqual(["write", "read"].map(count), [4 + 1, 4 + 1]);
});

test("an application that is asked over a socket has no port", (t) => {
  const { port: _, ...application } = sampleOutput.application;
  const svg = renderDiagram(parseEndpoints({ ...sampleOutput, application }));
  t.true(svg.includes(">guestbook<"));
  t.false(svg.includes("undefined"));
});
