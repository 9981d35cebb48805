import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import {
  deviceId,
  renderSyncthing,
  renderSyncthingUnit,
} from "../../../components/render/syncthing";

/** What `syncthing --device-id` says of it. */
const certificate = `-----BEGIN CERTIFICATE-----
MIIBszCCAVqgAwIBAgIRAIg/ri6scU49opDW/iBeub4wCgYIKoZIzj0EAwIwDzEN
MAsGA1UEAxMEc2hvcDAeFw0yNjExMjgxMTA3NTVaFw0zNjExMjgyMzA3NTVaMBQx
EjAQBgNVBAMTCXN5bmN0aGluZzBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABN71
3YAC6psNeOffTD1cxosp4WapxznR0+jXj7SQZ8sDRcbCU3c0bTTnazah3nKA4K2m
A91w56jEPg5sqmv21ByjgZEwgY4wDAYDVR0TAQH/BAIwADAOBgNVHQ8BAf8EBAMC
A4gwHQYDVR0lBBYwFAYIKwYBBQUHAwEGCCsGAQUFBwMCMA8GA1UdEQQIMAaHBH8A
AAIwHwYDVR0jBBgwFoAUDeHcthncBWhcQRrENPvvE/rYDIcwHQYDVR0OBBYEFA48
pyFxFPFXxGRfsHW96y4ouOZbMAoGCCqGSM49BAMCA0cAMEQCIADGYi0spH5xcxBg
peVGIbRfvyGstoBt5ur2nmtVwohdAiBTiI2EmB3UdWj8qgqigyT9ijIyFcj1ucxU
2MYW/hW/7A==
-----END CERTIFICATE-----
`;
const id = "LONHYZK-Z4LKBUE-WUXM3WQ-7CMZLU6-TFIGIEA-TICSKRV-KMBYX6O-3E7H7Q2";

test("a certificate has the name that Syncthing gives it", (t) => {
  t.is(deviceId(certificate), id);
});

test("it knows its peers and nobody else", (t) => {
  const text = renderSyncthing({
    address: "10.0.0.1",
    port: 22000,
    devices: [
      { name: "a", address: "10.0.0.1", id: "AAA" },
      { name: "b", address: "10.0.0.2", id: "BBB" },
    ],
    folders: ["/var/lib/shop/public/uploads"],
  });
  t.is(
    text,
    `<!-- Written by trilithon: what is changed here by hand is taken back by the next \`pulumi up\`. -->
<configuration version="35">
    <folder id="/var/lib/shop/public/uploads" path="/var/lib/shop/public/uploads" type="sendreceive" rescanIntervalS="3600" fsWatcherEnabled="true" fsWatcherDelayS="1">
        <device id="AAA"></device>
        <device id="BBB"></device>
        <minDiskFree unit="%">1</minDiskFree>
        <maxConflicts>10</maxConflicts>
    </folder>
    <device id="AAA" name="a" compression="metadata">
        <address>tcp://10.0.0.1:22000</address>
    </device>
    <device id="BBB" name="b" compression="metadata">
        <address>tcp://10.0.0.2:22000</address>
    </device>
    <gui enabled="false"></gui>
    <options>
        <listenAddress>tcp://10.0.0.1:22000</listenAddress>
        <globalAnnounceEnabled>false</globalAnnounceEnabled>
        <localAnnounceEnabled>false</localAnnounceEnabled>
        <relaysEnabled>false</relaysEnabled>
        <natEnabled>false</natEnabled>
        <stunKeepaliveStartS>0</stunKeepaliveStartS>
        <stunKeepaliveMinS>0</stunKeepaliveMinS>
        <reconnectionIntervalS>2</reconnectionIntervalS>
        <urAccepted>-1</urAccepted>
        <crashReportingEnabled>false</crashReportingEnabled>
        <autoUpgradeIntervalH>0</autoUpgradeIntervalH>
        <startBrowser>false</startBrowser>
    </options>
</configuration>
`,
  );
});

test("it starts without its index where a folder was made anew, and runs as the application", (t) => {
  const text = renderSyncthingUnit({
    ...{ name: "shop", configFolder: "/etc/shop/shared" },
    folders: ["/var/lib/shop/a", "/var/lib/shop/b"],
  });
  t.true(
    text.includes(
      `\nExecStartPre=/bin/sh -c "[ -d '/var/lib/shop/a/.stfolder' ] && [ -d '/var/lib/shop/b/.stfolder' ] || rm -rf /var/lib/shop.shared/index-*"\n`,
    ),
  );
  t.true(text.includes("\nUser=shop\n"));
  t.true(text.includes("\nReadWritePaths=/var/lib/shop/a /var/lib/shop/b\n"));
});

const hasSystemd = (() => {
  try {
    execFileSync("systemd-analyze", ["calendar", "daily"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();

(hasSystemd ? test : test.skip)("systemd knows each setting of its unit", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "trilithon-units-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "shop.shared.service");
  const unit = { name: "root", configFolder: "/etc/shop/shared", folders: ["/var/lib/shop/a"] };
  writeFileSync(file, renderSyncthingUnit(unit));
  const { stderr } = spawnSync("systemd-analyze", ["verify", "--man=no", file], {
    encoding: "utf8",
  });
  const told = stderr.split("\n").filter((line) => line.includes(file));
  t.deepEqual(told, []);
});
