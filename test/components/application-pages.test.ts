/** The settings on the pages of docs/applications are settings. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { parseSettings } from "../../components/settings";
import { root } from "../../scripts/setup/environment";
import { recipe } from "../trouble/applications/recipe";

const hosts = [
  { name: "lb-01", address: "172.31.64.11", roles: ["load-balancer"] },
  { name: "web-01", address: "172.31.64.21", roles: ["web", "database-primary"] },
  { name: "web-02", address: "172.31.64.22", roles: ["web", "database-replica"] },
];
const place = { domain: "www.foobar.com", hosts, containers: { subnet: "172.31.64.0/24" } };
const pages = readdirSync(join(root, "docs/applications")).map((file) => file.replace(".md", ""));

for (const page of pages) {
  test(`the settings of ${page}.md are taken as they stand`, async (t) => {
    const given = Object.entries(await recipe(page, {})).map(([key, value]) => [
      key.replace("trilithon:", ""),
      value,
    ]);
    const result = parseSettings({ ...place, ...Object.fromEntries(given) });
    t.deepEqual("faults" in result ? result.faults : [], []);
  });
}
