/** By what each alert is made to fire: its real cause, and what mends that. Those of a wave do not disturb each other. */
import { request } from "node:https";
import { connect, type Socket } from "node:net";
import { must } from "../../../scripts/setup/run";
import { wait } from "../../../scripts/verify/check";
import type { TestStack } from "../../end-to-end/support/test-stack";
import { authorityOf, makeShort } from "../../support/certificates-in-state";
import type { Receivers } from "./receivers";

export interface Case {
  readonly alert: string;
  /** In the alert, one of them; none where it is about the site. */
  readonly hosts: readonly string[];
  readonly what: string;
  cause(): Promise<unknown>;
  repair(): Promise<unknown>;
  /** It resolves long after the repair: nobody waits for it before the next wave. */
  readonly isLate?: true;
}

export interface Place {
  readonly stack: TestStack;
  /** The container that a host is. */
  container(host: string): string;
  readonly net: string;
  readonly receivers: Receivers;
  readonly domain: string;
  /** Leaves what it finds with those that look. */
  checkForDrift(): Promise<void>;
}

export const monitors = ["lb-01", "lb-02"];

/** Nobody waits for these in a trial: they are told after a minute there, and a copy is old after two. */
export const shortened: Readonly<Record<string, string>> = {
  "for: 30m$": "for: 1m",
  "for: 1d$": "for: 1m",
  "for: 2h$": "for: 1m",
  "> 600 or time": "> 120 or time",
};

/** Of what each wave is. */
export const waveNames = ["parts", "copies", "the site", "what is two, or old", "drift"];

export function wavesOf(place: Place): readonly (readonly Case[])[] {
  const { stack, net, receivers, checkForDrift } = place;
  const on = (host: string, script: string) => () => stack.on(host, script);
  const onBoth = (script: string) => () =>
    Promise.all(monitors.map((host) => stack.on(host, script)));
  const faulty = startVisitor(place);
  const visitors = holdConnections(`${net}.11`);
  const ending = endSoon(place);
  const eater = eatMemory(place, "lb-02");

  const parts: readonly Case[] = [
    {
      ...{ alert: "LoadBalancerDown", hosts: ["lb-02"], what: "HAProxy stopped" },
      cause: on("lb-02", "systemctl stop haproxy"),
      repair: on("lb-02", "systemctl start haproxy"),
    },
    {
      ...{ alert: "ServerDown", hosts: ["web-02"], what: "Nginx stopped" },
      cause: on("web-02", "systemctl stop nginx"),
      repair: on("web-02", "systemctl start nginx"),
    },
    {
      ...{ alert: "UnitFailed", hosts: ["web-01"], what: "a unit that fails" },
      cause: on("web-01", "systemd-run --quiet --unit=broken false"),
      repair: on("web-01", "systemctl reset-failed broken"),
    },
    {
      ...{ alert: "ReplicaStopped", hosts: ["web-02"], what: "`STOP REPLICA`" },
      cause: on("web-02", mysql("STOP REPLICA")),
      repair: on("web-02", mysql("START REPLICA")),
    },
    {
      ...{ alert: "ExporterDown", hosts: ["web-02"], what: "Nginx' exporter stopped" },
      cause: on("web-02", "systemctl stop prometheus-nginx-exporter"),
      repair: on("web-02", "systemctl start prometheus-nginx-exporter"),
    },
    {
      ...{ alert: "FactsOld", hosts: ["lb-02"], what: "the timer of facts stopped" },
      cause: on("lb-02", "systemctl stop trilithon-facts.timer"),
      repair: on("lb-02", "systemctl start trilithon-facts.timer"),
    },
    {
      ...{ alert: "CertificateEnds", hosts: ["web-01"] },
      what: "a certificate that ends tomorrow in the place of Nginx's",
      cause: on(
        "web-01",
        "cp -p /etc/nginx/trilithon/server.pem /root/server.pem && openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=x -keyout /dev/null -out /etc/nginx/trilithon/server.pem 2>/dev/null",
      ),
      repair: on("web-01", "cp -p /root/server.pem /etc/nginx/trilithon/server.pem"),
    },
    {
      ...{ alert: "RebootNeeded", hosts: ["web-02"] },
      what: "`/run/reboot-required`, as a new kernel leaves it; told after a minute for once",
      cause: on("web-02", "touch /run/reboot-required"),
      repair: on("web-02", "rm /run/reboot-required"),
    },
    {
      ...{ alert: "DiskFull", hosts: ["web-01"], what: "a volume of 64 MB filled" },
      cause: on("web-01", `${smallVolume}; dd if=/dev/zero of=/srv/small/file bs=1M count=60`),
      repair: on("web-01", "rm /srv/small/file"),
    },
    {
      ...{ alert: "DiskFilling", hosts: ["web-02"] },
      what: "a volume of 64 MB filled slowly; told after a minute for once",
      cause: on("web-02", `${smallVolume}; ${fillSlowly}`),
      repair: on("web-02", "systemctl stop filler; rm /srv/small/*"),
    },
    {
      ...{ alert: "ConnectionsNearLimit", hosts: ["web-01"] },
      what: "ten connections held, and two left",
      cause: on("web-01", sleepers),
      repair: on("web-01", `systemctl stop sleepers; ${mysql("SET GLOBAL max_connections = 200")}`),
    },
    {
      ...{ alert: "ErrorRatio", hosts: [""], what: "an application that answers 500" },
      cause: async () => faulty.start(),
      repair: async () => faulty.stop(),
      isLate: true,
    },
    {
      ...{ alert: "SiteSlow", hosts: [""], what: "an application that takes four seconds" },
      cause: () => onWeb(stack, "touch /etc/teller-is-slow"),
      repair: () => onWeb(stack, "rm /etc/teller-is-slow"),
    },
    {
      ...{ alert: "NotificationsFail", hosts: monitors },
      what: "a mail server that refuses what it is sent",
      cause: async () => {
        // Of this one only: what else fires is to be mailed.
        receivers.refuseMails("RebootNeeded: lb-01");
        await stack.on("lb-01", "touch /run/reboot-required");
      },
      repair: async () => {
        receivers.refuseMails(undefined);
        await stack.on("lb-01", "rm /run/reboot-required");
      },
      isLate: true,
    },
    {
      ...{ alert: "CertificateOfSiteEnds", hosts: [""] },
      what: "a certificate that ends within a week, on both load balancers",
      cause: () => ending.begin(),
      repair: () => ending.end(),
    },
    {
      // Not while a table is locked there, which has the repair wait.
      ...{ alert: "TwoPrimaries", hosts: [""], what: "the replica opened for writes by hand" },
      cause: on("web-02", mysql("SET GLOBAL super_read_only = OFF; SET GLOBAL read_only = OFF")),
      repair: on("web-02", mysql("SET GLOBAL super_read_only = ON")),
    },
    {
      ...{ alert: "UnitRestarting", hosts: ["web-01"], what: "a unit killed six times" },
      cause: on(
        "web-01",
        "for i in 1 2 3 4 5 6; do systemctl kill -s KILL prometheus-nginx-exporter; sleep 5; done",
      ),
      // It ends when the killing is a quarter of an hour ago.
      repair: async () => undefined,
      isLate: true,
    },
  ];

  // Not while anything else changes who makes the copies.
  const copies: readonly Case[] = [
    {
      ...{ alert: "BackupOld", hosts: [""] },
      what: "a password that opens no repository, on both members of the database; old after two minutes for once, and nothing is written, so that copies are made every ten minutes",
      cause: () => onWeb(stack, withPassword("wrong")),
      repair: () => onWeb(stack, withPassword("good")),
    },
    {
      ...{ alert: "RestoreTestFailed", hosts: ["web-01", "web-02"] },
      what: "the same password, when the nightly restore was to be tried",
      cause: async () => {
        await wait(10);
        await onWeb(stack, "systemctl start trilithon-restore-test || true");
      },
      // Once the password is good again.
      repair: async () => {
        const isWrong = async () =>
          (await stack.try("web-02", `ls ${placePasswords}.good`)).status === 0;
        while (await isWrong()) await wait(5);
        await onWeb(stack, "systemctl start trilithon-restore-test");
      },
    },
  ];

  const site: readonly Case[] = [
    {
      ...{ alert: "SiteDown", hosts: [""], what: "HAProxy stopped on both load balancers" },
      cause: onBoth("systemctl stop haproxy"),
      repair: onBoth("systemctl start haproxy"),
    },
    {
      ...{ alert: "AddressHeldByNobody", hosts: [""], what: "keepalived stopped on both" },
      cause: onBoth("systemctl stop keepalived"),
      repair: onBoth("systemctl start keepalived"),
    },
    {
      ...{ alert: "NoPrimary", hosts: [""], what: "MySQL stopped on the primary" },
      cause: on("web-01", "systemctl stop mysql"),
      repair: on("web-01", "systemctl start mysql"),
    },
    {
      ...{ alert: "DatabaseDown", hosts: ["web-02"], what: "MySQL stopped on the replica" },
      cause: on("web-02", "systemctl stop mysql"),
      repair: on("web-02", "systemctl start mysql"),
    },
    {
      ...{ alert: "UnitDown", hosts: ["web-02"], what: "the application stopped" },
      cause: on("web-02", "systemctl stop teller"),
      repair: on("web-02", "systemctl start teller"),
    },
  ];

  const mixed: readonly Case[] = [
    {
      ...{ alert: "NameServerDown", hosts: ["lb-01"], what: "NSD stopped" },
      cause: on("lb-01", "systemctl stop nsd"),
      repair: on("lb-01", "systemctl start nsd"),
    },
    {
      ...{ alert: "AddressHeldTwice", hosts: [""], what: "the address added by hand on both" },
      cause: onBoth(`ip addr add ${net}.10/32 dev lo`),
      repair: onBoth(`ip addr del ${net}.10/32 dev lo`),
    },
    {
      ...{ alert: "VisitorsNearLimit", hosts: ["lb-01"] },
      what: "52 connections held to a HAProxy that takes 60",
      cause: async () => {
        await stack.on("lb-01", haproxy("set maxconn global 60"));
        visitors.start();
      },
      repair: async () => {
        visitors.stop();
        await stack.on("lb-01", haproxy("set maxconn global 9983"));
      },
    },
    {
      ...{ alert: "SemiSynchronousOff", hosts: ["web-01"] },
      what: "`SET GLOBAL rpl_semi_sync_source_enabled = OFF`",
      cause: on("web-01", mysql("SET GLOBAL rpl_semi_sync_source_enabled = OFF")),
      repair: on("web-01", mysql("SET GLOBAL rpl_semi_sync_source_enabled = ON")),
    },
    {
      ...{ alert: "ErrantTransactions", hosts: ["web-02"], what: "a write to the replica" },
      cause: on("web-02", onOpened(mysql("CREATE DATABASE errant"))),
      repair: async () => {
        const uuid = (
          await stack.on("web-02", "mysql --user=root -NBe 'SELECT @@server_uuid'")
        ).trim();
        // The primary gets an empty one of that number.
        const skip = `SET GTID_NEXT = '${uuid}:1'; BEGIN; COMMIT; SET GTID_NEXT = 'AUTOMATIC'`;
        await stack.on("web-01", mysql(skip));
        const drop = "SET SESSION sql_log_bin = OFF; DROP DATABASE errant";
        await stack.on("web-02", onOpened(mysql(drop)));
      },
    },
    {
      ...{ alert: "ReplicaLagging", hosts: ["web-02"] },
      what: "a lock held on the replica while the primary writes",
      cause: async () => {
        const table = "CREATE DATABASE behind; CREATE TABLE behind.one (id INT PRIMARY KEY)";
        await stack.on("web-01", mysql(table));
        await wait(2);
        const lock = mysql("LOCK TABLES behind.one READ; SELECT SLEEP(1200)");
        await stack.on("web-02", `systemd-run --quiet --unit=locker ${lock}`);
        await wait(2);
        await stack.on("web-01", mysql("INSERT INTO behind.one VALUES (1)"));
      },
      repair: async () => {
        await stack.on("web-02", "systemctl stop locker");
        await stack.on("web-01", mysql("DROP DATABASE behind"));
      },
    },
    {
      ...{ alert: "MemoryShort", hosts: ["lb-02"] },
      what: "a program that takes all memory but 6 %; what the container may have is told as the host's, as lxcfs does it",
      cause: () => eater.start(),
      repair: () => eater.stop(),
    },
    {
      ...{ alert: "BackupBroken", hosts: ["lb-01"] },
      what: "a pack lost from a repository, when the nightly check was to be made",
      cause: on("lb-01", losePack),
      repair: on(
        "lb-01",
        `mv /root/pack "$(cat /root/pack.was)" && systemctl start trilithon-backup-keep`,
      ),
    },
  ];

  const drift: readonly Case[] = [
    {
      ...{ alert: "DriftFound", hosts: [""] },
      what: "a file of Nginx's edited by hand, and the check of each morning",
      cause: async () => {
        await stack.on("web-01", "echo '# by hand' >>/etc/nginx/conf.d/trilithon.conf");
        await checkForDrift();
      },
      repair: () => stack.up(),
    },
  ];

  return [parts, copies, site, mixed, drift];
}

const placePasswords = "/etc/trilithon/backup/places/*/password";

/** `good` puts the former one back. */
function withPassword(which: "wrong" | "good"): string {
  const change =
    which === "wrong" ? 'cp -p "$one" "$one.good"; echo wrong >"$one"' : 'mv -f "$one.good" "$one"';
  return `for one in ${placePasswords}; do ${change}; done`;
}

const mysql = (statement: string) => `mysql --user=root --execute="${statement}"`;
const onOpened = (script: string) =>
  [
    mysql("SET GLOBAL super_read_only = OFF"),
    script,
    mysql("SET GLOBAL super_read_only = ON"),
  ].join(" && ");
const haproxy = (command: string) => `echo '${command}' | socat -t 2 stdio /run/haproxy/admin.sock`;

/** Of 64 MB, as a file system of its own: an overlay, as tmpfs is none that fills for long. */
const smallVolume = `set -e; mkdir -p /mnt/room /srv/small; mount -t tmpfs -o size=64m tmpfs /mnt/room
mkdir -p /mnt/room/lower /mnt/room/upper /mnt/room/work
mount -t overlay overlay -o lowerdir=/mnt/room/lower,upperdir=/mnt/room/upper,workdir=/mnt/room/work /srv/small`;
const fillSlowly = `dd if=/dev/zero of=/srv/small/first bs=1M count=37
systemd-run --quiet --unit=filler sh -c 'for i in $(seq 18); do sleep 15; dd if=/dev/zero of=/srv/small/$i bs=1M count=1; done; sleep 1200'`;

const sleepers = `used=$(mysql --user=root --skip-column-names --execute="SELECT VARIABLE_VALUE FROM performance_schema.global_status WHERE VARIABLE_NAME = 'Threads_connected'")
mysql --user=root --execute="SET GLOBAL max_connections = $((used + 12))"
systemd-run --quiet --unit=sleepers sh -c 'for i in 1 2 3 4 5 6 7 8 9 10; do mysql --user=root --execute="SELECT SLEEP(900)" & done; wait'`;

function onWeb(stack: TestStack, script: string) {
  return Promise.all(["web-01", "web-02"].map((host) => stack.on(host, script)));
}

/** Asks twice a second for what is always answered with 500. */
function startVisitor({ net, domain }: Place) {
  let timer: NodeJS.Timeout | undefined;
  const ask = () => {
    const place = { host: `${net}.10`, path: "/fault", headers: { Host: domain } };
    const asked = request({ ...place, servername: domain, rejectUnauthorized: false }, (answer) =>
      answer.resume(),
    );
    asked.on("error", () => undefined);
    asked.end();
  };
  return {
    start: () => {
      timer = setInterval(ask, 500);
    },
    stop: () => clearInterval(timer),
  };
}

/** The largest is one of data. Who keeps the copies finds it out at night, or when told to. */
const losePack = `cd /var/lib/trilithon-backup/web-02/data
pack=$(find "$PWD" -type f -printf '%s %p\\n' | sort -n | tail -1 | cut -d ' ' -f 2)
echo "$pack" >/root/pack.was && mv "$pack" /root/pack
systemctl start trilithon-backup-keep || true`;

/** Takes all but 6 % of what a container may have. Its own `/proc/meminfo` would be the machine's. */
function eatMemory({ stack, container }: Place, host: string) {
  let timer: NodeJS.Timeout | undefined;
  const usage = async () => {
    const format = ["--no-stream", "--format", "{{.MemUsage}}"];
    const text = await must(host, "docker", ["stats", ...format, container(host)]);
    const [used = 0, limit = 0] = text.split("/").map(kilobytesOf);
    return { used, limit };
  };
  const tell = async () => {
    const { used, limit } = await usage();
    const of = { MemTotal: limit, MemFree: limit - used, MemAvailable: limit - used };
    const lines = Object.entries(of).map(([name, size]) => `${name}: ${Math.round(size)} kB`);
    await stack.on(host, `printf '%s\\n' '${lines.join("' '")}' >/run/meminfo`);
  };
  return {
    start: async () => {
      await tell();
      await stack.on(host, "mount --bind /run/meminfo /proc/meminfo");
      const { used, limit } = await usage();
      const wanted = Math.round(limit * 0.94 - used);
      // `tail` keeps a line until it ends.
      const eat = `(head -c ${wanted}K /dev/zero; sleep 1800) | tail >/dev/null`;
      await stack.on(host, `systemd-run --quiet --unit=eater sh -c '${eat}'`);
      timer = setInterval(() => void tell().catch(() => undefined), 5000);
    },
    stop: async () => {
      clearInterval(timer);
      await stack.on(host, "systemctl stop eater; umount /proc/meminfo");
    },
  };
}

/** `282.4MiB`, as Docker writes it. */
function kilobytesOf(text: string): number {
  const [, size = "", unit = ""] = /([\d.]+)([KMG])iB/.exec(text) ?? [];
  return Number(size) * { K: 1, M: 1024, G: 1024 ** 2 }[unit as "K" | "M" | "G"];
}

/** Those that are closed for their silence are opened again. */
function holdConnections(host: string) {
  const open = new Set<Socket>();
  let isOn = false;
  const hold = () => {
    if (!isOn) return;
    const socket = connect(443, host);
    open.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => {
      open.delete(socket);
      setTimeout(hold, 200);
    });
  };
  return {
    start: () => {
      isOn = true;
      for (let count = 0; count < 52; count += 1) hold();
    },
    stop: () => {
      isOn = false;
      for (const socket of open) socket.destroy();
    },
  };
}

const days = 24 * 3600 * 1000;

/** The same authority signs it, as otherwise nobody would get as far as to its end. */
function endSoon({ stack, domain, net }: Place) {
  const file = "/etc/haproxy/certificates/1.pem";
  const all = (script: string) => Promise.all(monitors.map((host) => stack.on(host, script)));
  return {
    begin: async () => {
      const authority = await authorityOf(stack, "load-balancer-authority");
      const short = await makeShort(
        [domain, `${net}.10`],
        authority,
        new Date(Date.now() + 6 * days),
      );
      const put = (text: string, path: string) => `cat >${path} <<'END'\n${text}END\n`;
      await all(
        `cp -p ${file} /root/1.pem && cp -p ${file}.key /root/1.pem.key
${put(short.certificate, file)}${put(short.privateKey, `${file}.key`)}systemctl try-reload-or-restart haproxy`,
      );
    },
    end: () =>
      all(
        `cp -p /root/1.pem ${file} && cp -p /root/1.pem.key ${file}.key && systemctl try-reload-or-restart haproxy`,
      ),
  };
}
