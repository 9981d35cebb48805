/** Hosts that are hardened: what SSH offers, what would lock everybody out, what was changed by hand, and how the units are confined. */
import { readFileSync } from "node:fs";
import test, { type ExecutionContext } from "ava";
import { renderAcmeService } from "../../components/render/acme";
import { dialUnit, renderDialUnit } from "../../components/render/mysql-dial";
import { rejoinUnit, renderRejoinUnit } from "../../components/render/mysql-rejoin";
import { renderSyncthingUnit } from "../../components/render/syncthing";
import { capture, must } from "../../scripts/setup/run";
import { parseEndpoints } from "../../scripts/verify/endpoints";
import { renderTable } from "../../scripts/verify/report";
import { verifyStack } from "../../scripts/verify/verify-stack";
import { imageWith } from "../end-to-end/support/image-with";
import { killUpAt } from "../end-to-end/support/killed-up";
import { readPreview } from "../end-to-end/support/preview";
import { type Settings, TestStack, threeHosts } from "../end-to-end/support/test-stack";
import { underVisits } from "./applications/visitors";
import { startTimeServer } from "./hardening/time-server";

const number = Number(process.env.TRILITHON_TEST_NUMBER ?? 114);
const net = `172.31.${number}`;
const publish = 8740;
const site = { port: publish, domain: "www.foobar.com" };
const hosts = ["lb-01", "web-01", "web-02"];
const name = "hardening";
const timeServer = `${net}.99`;

let stack: TestStack;
let image: string;

function settings(more: Settings = {}): Settings {
  const standard = threeHosts(number);
  return {
    ...standard,
    "trilithon:hosts": [
      { name: "lb-01", address: `${net}.11`, roles: ["load-balancer", "name-server"] },
      { name: "web-01", address: `${net}.21`, roles: ["web", "database-primary"] },
      { name: "web-02", address: `${net}.22`, roles: ["web", "database-replica"] },
    ],
    "trilithon:containers": {
      ...Object(standard["trilithon:containers"]),
      ...{ publish, sshPortBase: 14_800 },
    },
    "trilithon:services": { cache: { kind: "valkey", hosts: ["lb-01"] } },
    ...more,
  };
}

function hardened(sshd: unknown = true): Settings {
  const kernel = { settings: { "net.ipv4.conf.all.log_martians": 1 } };
  return settings({
    "trilithon:hardening": { sshd, kernel, time: { servers: [timeServer] } },
  });
}

test.before(async () => {
  // What looks at SSH from outside.
  image = await imageWith("trilithon-auditor", ["ssh-audit", "openssh-client"]);
  stack = await TestStack.make(name, settings());
});

test.after.always(async () => {
  if (process.env.TRILITHON_TEST_KEEP === undefined) await stack?.remove();
});

/** Beside a host, in its network: what it is asked there comes from the host itself. */
function beside(host: string, ...words: string[]) {
  const place = ["--network", `container:trilithon-${name}-${host}`];
  return capture("docker", ["run", "--rm", ...place, image, ...words]);
}

const hostKeysOf = (host: string) =>
  stack.on(host, "cat /etc/ssh/ssh_host_*_key | sha256sum; ls /etc/ssh");

const isReached = async (host: string) => {
  const endpoints = parseEndpoints(await stack.output("endpoints"));
  const port = endpoints.hosts.find((one) => one.name === host)?.sshPort;
  const probe = await capture("bash", ["-c", `exec 3<>/dev/tcp/127.0.0.1/${port}; head -c 3 <&3`]);
  return probe.stdout === "SSH";
};

const pause = (seconds: number) => new Promise((resolve) => setTimeout(resolve, 1000 * seconds));

async function until(isTrue: () => Promise<boolean>, seconds = 30): Promise<boolean> {
  for (let tries = 0; tries < 2 * seconds; tries += 1) {
    if (await isTrue()) return true;
    await pause(0.5);
  }
  return isTrue();
}

async function nothingToDo(t: ExecutionContext) {
  t.deepEqual((await readPreview(stack)).sentences, {});
}

test.serial("a stack without it is told what comes, and gets just that under visits", async (t) => {
  await stack.up();
  await startTimeServer(name, timeServer);
  // As many machines have it.
  await stack.on("web-02", "apt-get -qq update && apt-get -qqy install systemd-timesyncd");
  const keys = await Promise.all(hosts.map(hostKeysOf));
  await stack.configure(hardened());
  const { sentences, warnings } = await readPreview(stack);
  t.log(sentences, warnings);
  t.deepEqual(
    Object.keys(sentences).sort(),
    hosts
      .flatMap((host) =>
        ["kernel", "sshd", "time", "time-packages"].map((part) => `hardening-${host}-${part}`),
      )
      .sort(),
  );
  for (const host of hosts) {
    t.regex(
      sentences[`hardening-${host}-sshd`] ?? "",
      /write \/etc\/ssh\/sshd_config\.d\/00-trilithon\.conf .*check it, reload ssh \(no connection dropped; taken back unless a new connection gets in within 20 seconds\)/,
    );
    t.true(
      warnings.some((one) =>
        one.includes(`${host}: leave what only the machine of this container can change`),
      ),
    );
    t.true(
      warnings.some((one) =>
        one.includes(`${host}: leave the clock to the machine of this container`),
      ),
    );
  }
  t.regex(sentences["hardening-web-02-time-packages"] ?? "", /remove for it .*systemd-timesyncd/);
  await underVisits(t, site, ["/", "/healthz"], async () => {
    await stack.up();
  });
  await nothingToDo(t);
  t.deepEqual(await Promise.all(hosts.map(hostKeysOf)), keys);
});

test.serial("a second `up` changes nothing on the hosts", async (t) => {
  const seen = () =>
    Promise.all(
      hosts.map((host) =>
        stack.on(
          host,
          "stat -c '%n %Z %i' /etc/ssh/sshd_config.d/* /etc/sysctl.d/* /etc/chrony/chrony.conf; systemctl show -p InvocationID -p StateChangeTimestampMonotonic ssh chrony trilithon-kernel",
        ),
      ),
    );
  const before = await seen();
  await stack.up();
  t.deepEqual(await seen(), before);
});

test.serial("a password is not asked for, and ssh-audit finds no fault", async (t) => {
  for (const host of hosts) {
    const login = await beside(
      ...([host, "ssh", "-o", "StrictHostKeyChecking=no", "-o", "BatchMode=no"] as const),
      ...["-o", "PreferredAuthentications=password,keyboard-interactive", "127.0.0.1", "true"],
    );
    t.regex(login.stderr, /Permission denied \(publickey\)/);
    const { status, stdout } = await beside(host, "ssh-audit", "--no-colors", "127.0.0.1");
    t.log(
      host,
      stdout.split("\n").filter((line) => /\[(fail|warn)\]/.test(line)),
    );
    t.notRegex(stdout, /\[fail\]/);
    t.true(status === 0 || status === 2, `${status}`);
  }
});

async function verified(t: ExecutionContext) {
  const { endpoints, privateKeys } = await stack.outputs();
  const verdicts = await verifyStack({ endpoints, privateKeys }, { changes: "none" });
  t.log(renderTable({ stack: name, url: endpoints.url, verdicts }));
  return verdicts;
}

test.serial(
  "verify knows the clock by the time server, and what the containers may not change",
  async (t) => {
    t.true(
      await until(async () => {
        const seen = await Promise.all(hosts.map((host) => stack.on(host, "chronyc -c tracking")));
        return seen.every((one) => one.includes(timeServer));
      }, 60),
    );
    const verdicts = await verified(t);
    t.deepEqual(
      verdicts.filter(({ passed }) => !passed),
      [],
    );
    for (const host of hosts) {
      const clock = verdicts.find((one) => one.name === `${host}: its clock is right`);
      t.regex(clock?.seen ?? "", /^0\.0\d+ s off, says 172\.31\.\d+\.99; the clock is that of the/);
    }
  },
);

const own = "/etc/ssh/sshd_config.d/00-trilithon.conf";

test.serial("lines that sshd does not know are refused before they are live", async (t) => {
  const before = await stack.on("web-01", `cat ${own}; systemctl show -p InvocationID ssh`);
  await stack.configure(hardened({ rawLines: ["Nonsense yes"] }));
  const said = await stack.mustFail();
  t.regex(said, /new configuration of ssh is refused by its check, nothing was changed:/);
  t.regex(said, /Bad configuration option: Nonsense/);
  t.is(await stack.on("web-01", `cat ${own}; systemctl show -p InvocationID ssh`), before);
  t.true(await isReached("web-01"));
  await stack.configure(hardened());
  await nothingToDo(t);
});

test.serial(
  "a line of another file that comes first is told, and nothing is changed",
  async (t) => {
    await stack.on(
      "web-01",
      "sed -i '1i MaxStartups 3' /etc/ssh/sshd_config; systemctl reload ssh",
    );
    await stack.configure(hardened({ rawLines: ["ClientAliveInterval 60"] }));
    t.regex(
      await stack.mustFail(),
      /sshd has "maxstartups 3:\d+:\d+", not "maxstartups 50:30:200"/,
    );
    t.is(await stack.on("web-01", `grep -c ClientAlive ${own} || true`), "0\n");
    const failed = (await verified(t)).filter(({ passed }) => !passed);
    t.deepEqual(
      failed.map((one) => one.name),
      ["web-01: sshd lets in by keys alone, and offers nothing weak"],
    );
    await stack.on("web-01", "sed -i 1d /etc/ssh/sshd_config; systemctl reload ssh");
    await stack.configure(hardened());
    await stack.up();
    await nothingToDo(t);
  },
);

const nobodyIn = /no new connection got in within 20 seconds; all is put back as it was/;

for (const [title, line, why] of [
  ["at another port", "ListenAddress 0.0.0.0:2222", nobodyIn],
  [
    "that ends, as it has an address that the host has not,",
    "ListenAddress 192.0.2.1:22",
    /ssh did not reload; all is put back as it was:(.|\n)*Cannot bind any address/,
  ],
  ["for nobody", "AllowUsers nobody", nobodyIn],
] as const) {
  test.serial(`an sshd ${title} is taken back by the host, and the site goes on`, async (t) => {
    const before = await stack.on("web-01", `cat ${own}`);
    await underVisits(t, site, ["/", "/healthz"], async () => {
      await stack.configure(hardened({ rawLines: [line] }));
      const said = await stack.mustFail();
      t.log(said.split("\n").filter((one) => /^ +(warning|no new connection)/.test(one)));
      t.regex(said, why);
      if (why === nobodyIn)
        t.regex(said, /while ssh was as wanted: web-01 \(root@127\.0\.0\.1:\d+\): /);
    });
    for (const host of hosts) {
      t.is(await stack.on(host, `cat ${own}`), before);
      t.true(await isReached(host));
    }
    await stack.configure(hardened());
    await nothingToDo(t);
  });
}

test.serial("so it is when `up` is killed before it could get in", async (t) => {
  const before = await stack.on("web-02", `cat ${own}`);
  const port = "ss -Hltn 'sport = :2222'";
  await stack.configure(hardened({ rawLines: ["ListenAddress 0.0.0.0:2222"] }));
  await underVisits(t, site, ["/", "/healthz"], async () => {
    const { end } = await killUpAt(stack, async (isOver) => {
      while (!isOver() && (await stack.on("web-02", port)) === "") await pause(0.1);
    });
    t.is(end, "killed");
    t.true(await until(() => isReached("web-02")));
  });
  t.is(await stack.on("web-02", port), "");
  t.is(await stack.on("web-02", `cat ${own}`), before);
  await stack.configure(hardened());
  await stack.up();
  await nothingToDo(t);
});

test.serial("so it is when the network is cut at that moment", async (t) => {
  const before = await stack.on("web-02", `cat ${own}`);
  const dropIns = "/etc/systemd/system/ssh.service.d";
  await stack.on(
    "web-02",
    `cat >${dropIns}/zz-cut.conf <<'END'
[Service]
ExecReload=-/bin/sh /run/cut.sh
END
cat >/run/cut.sh <<'END'
grep -q ClientAliveInterval ${own} || exit 0
nft 'table inet cut { chain input { type filter hook input priority -200; ip saddr ${net}.1 drop; }; chain output { type filter hook output priority -200; ip daddr ${net}.1 drop; }; }'
systemd-run --quiet --on-active=40 nft delete table inet cut
END
systemctl daemon-reload`,
  );
  await underVisits(t, site, ["/", "/healthz"], async () => {
    await stack.configure(hardened({ rawLines: ["ClientAliveInterval 60"] }));
    const up = stack.mustFail();
    const isThere = async () => (await stack.on("web-02", `cat ${own}`)) !== before;
    t.true(await until(isThere, 120));
    t.true(await until(async () => !(await isThere())));
    t.log(
      (await up)
        .split("\n")
        .filter((line) => /web-02/.test(line))
        .slice(0, 5)
        .join("\n"),
    );
    await until(
      async () => (await stack.try("web-02", "nft list table inet cut")).status !== 0,
      60,
    );
  });
  t.true(await isReached("web-02"));
  await stack.on("web-02", `rm ${dropIns}/zz-cut.conf /run/cut.sh; systemctl daemon-reload`);
  await stack.configure(hardened());
  await stack.up();
  await nothingToDo(t);
});

test.serial("what was changed by hand is told, and mended", async (t) => {
  await stack.on(
    "web-01",
    `sed -i 's/^PasswordAuthentication no/PasswordAuthentication yes/' ${own}; systemctl reload ssh`,
  );
  await stack.on(
    "web-02",
    "systemctl stop chrony; echo 'server 192.0.2.1' >>/etc/chrony/chrony.conf",
  );
  await stack.on("lb-01", "echo 'LogLevel DEBUG' >/etc/ssh/sshd_config.d/50-other.conf");
  const { sentences, warnings } = await readPreview(stack);
  t.log(sentences, warnings);
  t.regex(
    sentences["hardening-web-01-sshd"] ?? "",
    /write .*00-trilithon\.conf \(1 line\).*\[drift\]/,
  );
  t.regex(
    sentences["hardening-web-02-time"] ?? "",
    /write \/etc\/chrony\/chrony\.conf \(1 line\), .*start chrony.*\[drift\]/,
  );
  t.regex(
    sentences["hardening-lb-01-sshd"] ?? "",
    /take note of \/etc\/ssh\/sshd_config\.d\/50-other\.conf/,
  );
  await stack.up();
  t.is(await stack.on("web-01", "sshd -T | grep -ic '^passwordauthentication no'"), "1\n");
  await nothingToDo(t);
  await stack.on("lb-01", "rm /etc/ssh/sshd_config.d/50-other.conf");
  await stack.up();
});

test.serial("settings of the kernel that a container may change are kept", async (t) => {
  // Of its own network alone: the rest is the kernel of this machine.
  const open = "mount --bind /proc/sys/net /proc/sys/net && mount -o remount,rw,bind /proc/sys/net";
  await stack.on("web-02", open);
  const setting = "net.ipv4.conf.eth0.send_redirects";
  const { sentences } = await readPreview(stack);
  t.log(sentences);
  t.regex(sentences["hardening-web-02-kernel"] ?? "", new RegExp(`${setting} is 1, not 0`));
  await stack.up();
  t.is(await stack.on("web-02", `sysctl -n ${setting}`), "0\n");
  await nothingToDo(t);
  await stack.on("web-02", `sysctl -qw ${setting}=1 net.ipv4.conf.all.log_martians=0`);
  t.regex(
    (await readPreview(stack)).sentences["hardening-web-02-kernel"] ?? "",
    /put back what was set at run time \(net\.ipv4\.conf\.eth0\.send_redirects is 1, not 0, net\.ipv4\.conf\.all\.log_martians is 0, not 1\)/,
  );
  await stack.up();
  await nothingToDo(t);
  await stack.on("web-02", "umount /proc/sys/net");
});

test.serial("a host that starts anew has all of it, and its units start confined", async (t) => {
  await must("restart", "docker", ["restart", `trilithon-${name}-web-02`]);
  const units =
    "ssh chrony trilithon-kernel trilithon-firewall-open trilithon-firewall trilithon-mysql-opening trilithon-mysql-role trilithon-database-proxy";
  const areActive = () => stack.on("web-02", `systemctl is-active ${units} || true`);
  const all = units.replaceAll(/\S+/g, "active").replaceAll(" ", "\n");
  t.true(await until(async () => (await areActive()).trim() === all, 60), await areActive());
  t.is(
    await stack.on("web-02", "nft list chain inet trilithon_firewall input | grep -c drop"),
    "2\n",
  );
  t.true(
    await until(async () => Object.keys((await readPreview(stack)).sentences).length === 0, 60),
  );
});

/** `trilithon-kernel.service: 2.8 OK :-)` for each unit that is written whole by the stack, and for those that this stack has not. */
async function exposures(host: string): Promise<readonly string[]> {
  const script = `cd /etc/systemd/system
for unit in $(grep -l 'trilithon' *.service 2>/dev/null); do
  [ -L "$unit" ] || systemd-analyze security --no-pager "$unit"
done
for unit in /run/units/*.service; do
  [ -e "$unit" ] && systemd-analyze security --offline=yes --no-pager "$unit"
done`;
  const said = await stack.on(host, `{ ${script}; } 2>/dev/null || true`);
  return [...said.matchAll(/Overall exposure level for (.*)/g)].map(([, line = ""]) => line);
}

/** Of other stacks: with a group, with certificates of ACME, with folders that hosts share. */
const unitsOfOthers: Readonly<Record<string, string>> = {
  "trilithon-acme.service": renderAcmeService({ hasVariables: true }),
  [rejoinUnit.name]: renderRejoinUnit(),
  [dialUnit.name]: renderDialUnit(),
  "press.shared.service": renderSyncthingUnit({
    ...{ name: "press", configFolder: "/etc/press/shared", folders: ["/var/lib/press/uploads"] },
  }),
};

test.serial("no unit of the stack's own is exposed by more than 4.0", async (t) => {
  for (const [unit, text] of Object.entries(unitsOfOthers)) {
    const encoded = Buffer.from(text).toString("base64");
    await stack.on(
      "lb-01",
      `mkdir -p /run/units && echo ${encoded} | base64 -d >/run/units/${unit}`,
    );
  }
  const seen = await Promise.all(hosts.map(exposures));
  for (const [place, host] of hosts.entries()) t.log(host, seen[place]);
  const levels = new Map(
    seen.flat().map((line) => {
      const [unit = "", level = ""] = line.split(": ");
      return [unit, Number.parseFloat(level)] as const;
    }),
  );
  t.deepEqual([...levels.keys()].sort(), [
    ...["guestbook.service", "press.shared.service", "trilithon-acme.service"],
    ...["trilithon-database-proxy.service", "trilithon-firewall-open.service"],
    ...["trilithon-firewall.service", "trilithon-kernel.service", "trilithon-mysql-dial.service"],
    ...["trilithon-mysql-opening.service", "trilithon-mysql-rejoin.service"],
    "trilithon-mysql-role.service",
  ]);
  const exposed = [...levels].filter(([, level]) => !(level <= 4));
  t.deepEqual(exposed, []);
});

/** As docs/security.md has it: `SSH-7408: LogLevel, MaxSessions`, `KRNL-6000`. */
function explainedOfLynis(): readonly string[] {
  const [, table = ""] = readFileSync("docs/security.md", "utf8").split("| What lynis says |");
  return [...table.matchAll(/^\| ([A-Z]+-\d+[^|]*) \|/gm)].flatMap(([, cell = ""]) => {
    const [name = "", options] = cell.split(": ");
    return options === undefined
      ? cell.split(", ")
      : options.split(", ").map((option) => `${name}:${option.toLowerCase()}`);
  });
}

/** What it warns of or suggests, and which part of its points the host has, of 100; without the tests that are left out. */
async function askLynis(host: string, leftOut: readonly string[]) {
  const profile = leftOut.map((name) => `skip-test=${name}\n`).join("");
  await stack.on(host, `printf '${profile}' >/etc/lynis/custom.prf`);
  await stack.on(host, "lynis audit system --quick --quiet --no-colors >/dev/null 2>&1 || true");
  const report = await stack.on(host, "cat /var/log/lynis-report.dat");
  const found = [...report.matchAll(/^(?:warning|suggestion)\[\]=([^|]+\|[^|]*\|[^|]*)/gm)];
  const index = Number(/^hardening_index=(\d+)$/m.exec(report)?.[1]);
  return { index, found: found.map(([, line = ""]) => line) };
}

test.serial("lynis finds nothing that docs/security.md does not explain", async (t) => {
  const leftOut = explainedOfLynis();
  t.true(leftOut.includes("KRNL-6000") && leftOut.includes("SSH-7408:maxsessions"));
  const install = "apt-get -qq update && apt-get -qqy install --no-install-recommends lynis";
  // It looks for the names as sshd had them until OpenSSH 10, and would find no setting at all.
  const lowerCase = `sed -i 's/addr=none 2> .dev.null >/addr=none | tr A-Z a-z >/' /usr/share/lynis/include/tests_ssh`;
  const audits = await Promise.all(
    hosts.map(async (host) => {
      await stack.on(host, `{ ${install} && ${lowerCase}; } >/dev/null 2>&1`);
      const [all, rest] = [await askLynis(host, []), await askLynis(host, leftOut)];
      await stack.on(host, "apt-get -qqy purge lynis >/dev/null 2>&1");
      return { host, all, rest };
    }),
  );
  for (const { host, all, rest } of audits)
    t.log(`${host}: ${all.index}; without what is explained ${rest.index}`, all.found);
  for (const { host, rest } of audits) {
    t.deepEqual(rest.found, [], host);
    t.true(rest.index >= 80, host);
  }
});

test.serial("taken out, sshd is as it was, and chrony is stopped", async (t) => {
  await underVisits(t, site, ["/", "/healthz"], async () => {
    await stack.configure(settings());
    await stack.up();
  });
  for (const host of hosts) {
    const left = await stack.on(
      host,
      "ls /usr/local/sbin/trilithon-sshd /usr/local/sbin/trilithon-kernel /etc/sysctl.d/90-trilithon.conf /etc/ssh/sshd_config.d/00-trilithon.conf 2>&1 | grep -v 'No such file' || true; systemctl is-active ssh chrony || true; head -n 1 /etc/chrony/chrony.conf",
    );
    t.regex(left, /^active\ninactive\n# Welcome to the chrony configuration file/);
    t.true(await isReached(host));
  }
  await nothingToDo(t);
});
