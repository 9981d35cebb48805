import test from "ava";
import type { Service } from "../../../../provider/kinds/service/args";
import { transactionSeconds } from "../../../../provider/kinds/service/deadline";

const host = {
  name: "web-01",
  address: "192.0.2.1",
  port: 22,
  user: "root",
  hostKey: "",
  privateKey: "",
};

function service(changes: Partial<Service>): Service {
  const empty = { host, name: "app", users: {}, files: {}, absent: [] };
  return { ...empty, onChange: "restart", ...changes };
}

function unitFile(text: string): Service["files"] {
  const content = `[Service]\nExecStart=/srv/app\n${text}\n`;
  return {
    "/etc/systemd/system/app.service": {
      content,
      mode: "0644",
      owner: "root",
      group: "root",
      onChange: "restart",
    },
  };
}

const plain = transactionSeconds(service({}));

test("each wait of the settings can be had whole, drained both ways", (t) => {
  const ready = { tcp: 80, deadlineSeconds: 900 };
  const drain = { file: "/run/drain", seconds: 300 };
  t.is(transactionSeconds(service({ ready })), plain + 2 * (900 - 30));
  t.is(transactionSeconds(service({ drain })), plain + 2 * 300 + 30 + 60);
  t.is(
    transactionSeconds(service({ drain: { ...drain, finishSeconds: 120 } })),
    plain + 2 * 300 + 120 + 60,
  );
  t.is(transactionSeconds(service({ ready, drain })), plain + 2 * (900 - 30) + 2 * 300 + 30 + 60);
});

test("an application has the time in which another one may leave its port", (t) => {
  const ready = { http: "http://127.0.0.1:3000/", deadlineSeconds: 30 };
  const drain = { file: "/run/drain", seconds: 5, finishSeconds: 10 };
  const without = transactionSeconds(service({ ready, drain }));
  t.is(transactionSeconds(service({ ready, drain, root: "/srv/app" })), without + 30 + 5 + 10);
});

test("a canary has its time, and the drain of one that fails", (t) => {
  const watch = { seconds: 300, maxErrorRatio: 0.01, accessLog: "/var/log/app" };
  const drain = { file: "/run/drain", seconds: 10 };
  t.is(transactionSeconds(service({ watch })), plain + 300);
  t.is(transactionSeconds(service({ watch, drain })), plain + 300 + 2 * (2 * 10 + 30 + 60));
});

test("the release command has all of its time", (t) => {
  const command = { command: ["migrate"], unit: "[Service]", environmentFiles: [] };
  const releaseCommand = { ...command, deadlineSeconds: 7200 };
  t.is(transactionSeconds(service({ releaseCommand })), plain + 7200);
});

test("a unit's own limits are waited for, on the way there and back", (t) => {
  t.is(transactionSeconds(service({ files: unitFile("TimeoutStopSec=390") })), plain + 2 * 300);
  t.is(transactionSeconds(service({ files: unitFile("TimeoutStartSec=190s") })), plain + 2 * 100);
  t.is(transactionSeconds(service({ files: unitFile("TimeoutSec=190") })), plain + 2 * 200);
  t.is(transactionSeconds(service({ files: unitFile("TimeoutStopSec=5") })), plain);
});

test("each further unit has its time, a timer none for what its service may take", (t) => {
  const moreUnits = { "app-mail.service": { ready: { staySeconds: 5, deadlineSeconds: 60 } } };
  const unit = "app.service";
  t.is(transactionSeconds(service({ unit, moreUnits })), plain + 2 * 180 + 2 * 65);
  const content = "[Service]\nTimeoutStartSec=7200\n";
  const file = {
    content,
    mode: "0644",
    owner: "root",
    group: "root",
    onChange: "restart",
  } as const;
  const timed = {
    ...{ unit, moreUnits: { "app-report.timer": {} } },
    files: { "/etc/systemd/system/app-report.service": file },
  };
  t.is(transactionSeconds(service(timed)), plain + 2 * 180 + 2 * 30);
});

test("even the shortest has as long as another change on the host may take", (t) => {
  t.true(plain > 900 + 600);
});
