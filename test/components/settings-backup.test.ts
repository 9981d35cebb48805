/** The settings of backups: what they must be, agree with, and hide. */
import test from "ava";
import { parseSettings } from "../../components/settings";

type Values = Readonly<Record<string, unknown>>;

const database = { name: "web-01", address: "172.31.64.21", roles: ["web", "database"] };
const balancer = { name: "lb-01", address: "172.31.64.11", roles: ["load-balancer"] };
const keeper = { ...balancer, roles: ["load-balancer", "backup"] };
const good = {
  domain: "www.foobar.com",
  hosts: [keeper, database],
  containers: { subnet: "172.31.64.0/24" },
};
const repository = { repository: "s3:https://s3.example.com/shop", password: "sixteen letters!" };

function faultsOf(values: Values, secretKeys?: readonly string[]): readonly string[] {
  const result = parseSettings(values, secretKeys);
  return "faults" in result ? result.faults.map((fault) => fault.replace(/^trilithon:/, "")) : [];
}

test("a host that keeps backups is enough, as is a repository elsewhere", (t) => {
  t.deepEqual(faultsOf(good), []);
  const elsewhere = { ...good, hosts: [balancer, database] };
  t.deepEqual(faultsOf({ ...elsewhere, backup: { repository } }), []);
  t.deepEqual(faultsOf({ ...elsewhere, backup: { schedule: "daily" } }), [
    "backup: expected a host with the role backup, or backup.repository, got nothing",
  ]);
});

test("there has to be something to copy", (t) => {
  const web = { ...database, roles: ["web"] };
  const message =
    "expected something to copy: a database, or an application with persistent folders, got nothing";
  t.deepEqual(faultsOf({ ...good, hosts: [keeper, web] }), [`hosts[0].roles: ${message}`]);
  const elsewhere = { ...good, hosts: [balancer, web], backup: { repository } };
  t.deepEqual(faultsOf(elsewhere), [`backup.repository: ${message}`]);
  const application = { persistent: ["uploads"] };
  t.deepEqual(faultsOf({ ...elsewhere, application }), []);
});

test("what opens a repository is a secret, and is not shown", (t) => {
  const environment = { AWS_SECRET_ACCESS_KEY: "key" };
  const values = { ...good, backup: { repository: { ...repository, environment } } };
  t.deepEqual(faultsOf(values, ["trilithon:backup"]), []);
  t.deepEqual(
    faultsOf(values, []),
    ["password", "environment.AWS_SECRET_ACCESS_KEY"].map((key) => {
      const path = `backup.repository.${key}`;
      return `${path}: expected a secret, got plain text: set it with pulumi config set --secret --path 'trilithon:${path}' < KEYFILE`;
    }),
  );
  const open = { ...repository, repository: "rest:https://shop:open@backup.example.com /shop" };
  const [fault = ""] = faultsOf({ ...good, backup: { repository: open } });
  t.regex(fault, /^backup\.repository\.repository: expected a repository as restic has it/);
  t.false(fault.includes("shop:open"));
  const short = { ...good, backup: { repository: { ...repository, password: "short" } } };
  t.deepEqual(faultsOf(short, ["trilithon:backup"]), [
    "backup.repository.password: expected a password of at least 16 characters in one line, got something else (not shown)",
  ]);
});

test("one value each that is not sound", (t) => {
  const of = (backup: Values) => faultsOf({ ...good, backup });
  t.deepEqual(of({ keep: { daily: 0 } }), [
    "backup.keep.daily: expected an integer from 1 to 1000, got 0",
  ]);
  t.deepEqual(of({ megabytesPerSecond: 0 }), [
    "backup.megabytesPerSecond: expected an integer from 1 to 10000, got 0",
  ]);
  t.deepEqual(of({ schedule: "at night" }), [
    `backup.schedule: expected a schedule as systemd's OnCalendar has it, such as *-*-* 02:30, got "at night"`,
  ]);
  const application = { port: 3307 };
  t.deepEqual(faultsOf({ ...good, application }), [
    "application.port: expected a port that nothing else on web-01 uses, got 3307: a restored database is the same: give it another port",
  ]);
  t.deepEqual(of({ port: 8404 }), [
    "backup.port: expected a port that nothing else on lb-01 uses, got 8404: loadBalancer.statsPort is the same: give one of them another port",
  ]);
});
