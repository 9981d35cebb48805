import { appendFileSync, cpSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { recipeAddress, suitesIn } from "../../../scripts/setup/base-image";
import { root } from "../../../scripts/setup/environment";

test("another recipe has another address, the same has the same", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "recipe-"));
  cpSync(join(root, "scripts", "setup", "host-image"), folder, { recursive: true });
  t.is(recipeAddress(folder), recipeAddress());
  appendFileSync(join(folder, "packages"), "vim\n");
  t.not(recipeAddress(folder), recipeAddress());
});

test("the images that a stack names tell the suites", (t) => {
  t.deepEqual(suitesIn("trilithon:containers: {subnet: 172.31.64.0/24}"), ["sid"]);
  t.deepEqual(suitesIn("{image: trilithon-host:latest}"), ["sid"]);
  t.deepEqual(suitesIn('{image: "trilithon-host:trixie"}'), ["trixie"]);
  t.deepEqual(suitesIn("image: trilithon-host:bookworm"), ["bookworm"]);
  t.deepEqual(suitesIn("image: example.org/host:bookworm"), ["sid"]);
});
