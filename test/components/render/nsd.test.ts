import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import {
  nsdCheck,
  renderNsdConfig,
  renderNsdDropIn,
  renderNsdScript,
  renderNsdZones,
} from "../../../components/render/nsd";
import { renderZone } from "../../../components/render/zone";
import { isGolden } from "./golden";

const records = [
  { name: "foobar.com", type: "NS", ttl: 3600, values: ["lb-01.ns.foobar.com"] },
  { name: "www.foobar.com", type: "A", ttl: 60, values: ["203.0.113.10", "203.0.113.11"] },
  { name: "foobar.com", type: "CAA", ttl: 3600, values: ['0 issue "letsencrypt.org"'] },
];

test("a zone has a line for each value, and names from the root", (t) => {
  const zone = { zone: "foobar.com", serial: 2_026_113_002, nameServer: "lb-01.ns.foobar.com" };
  isGolden(t, "foobar.com.zone", renderZone({ ...zone, records }));
});

test("NSD answers at its host's address, and for its zones", (t) => {
  isGolden(t, "nsd.conf", renderNsdConfig({ address: "10.0.0.11" }));
  isGolden(t, "trilithon-zones.conf", renderNsdZones(["foobar.com", "foobar.de"]));
  isGolden(t, "nsd.service.conf", renderNsdDropIn());
});

test("both the configuration and each zone are checked", (t) => {
  t.deepEqual(nsdCheck(["foobar.com", "foobar.de"]), [
    "sh",
    "-c",
    "nsd-checkconf /etc/nsd/nsd.conf && nsd-checkzone foobar.com /etc/nsd/trilithon-zones/foobar.com.zone && nsd-checkzone foobar.de /etc/nsd/trilithon-zones/foobar.de.zone",
  ]);
});

test("the script that asks NSD is sound Perl", (t) => {
  const script = renderNsdScript();
  isGolden(t, "trilithon-name-server", script);
  const folder = mkdtempSync(join(tmpdir(), "trilithon-nsd-"));
  writeFileSync(join(folder, "script"), script);
  t.notThrows(() => execFileSync("perl", ["-c", join(folder, "script")], { stdio: "pipe" }));
  rmSync(folder, { recursive: true });
});
