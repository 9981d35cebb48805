/** Rows of text in a database of the benchmark's own, alike in each run. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { finished } from "node:stream/promises";
import { seeded } from "../seeded";
import { containerOf, onHost } from "./host";

const rowsAtOnce = 500;
const bodyBytes = 1500;
const wordCount = 20_000;

export async function fill(bytes: number): Promise<void> {
  const mysql = spawn("docker", ["exec", "--interactive", containerOf("web-01"), "mysql"], {
    stdio: ["pipe", "inherit", "inherit"],
  });
  const exit = once(mysql, "exit");
  const send = async (statement: string) => {
    if (!mysql.stdin.write(`${statement};\n`)) await once(mysql.stdin, "drain");
  };
  await send(
    "CREATE DATABASE bulk; CREATE TABLE bulk.articles (id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, author VARCHAR(40), at DATETIME, body TEXT, KEY (author), KEY (at))",
  );
  const random = seeded(1);
  const words = Array.from({ length: wordCount }, () => makeWord(random));
  for (let written = 0; written < bytes; written += rowsAtOnce * bodyBytes) {
    const rows = Array.from({ length: rowsAtOnce }, () => makeRow(words, random));
    await send(`INSERT INTO bulk.articles (author, at, body) VALUES ${rows.join(",")}`);
  }
  mysql.stdin.end();
  await finished(mysql.stdin);
  const [status] = await exit;
  if (status !== 0) throw new Error(`mysql: exit ${status}`);
  const has = (
    await onHost("web-01", `mysql -NBe "SELECT REPLACE(@@GLOBAL.gtid_executed, CHAR(10), '')"`)
  ).trim();
  const caughtUp = await onHost(
    "web-02",
    `mysql -NBe "SELECT WAIT_FOR_EXECUTED_GTID_SET('${has}', 1200)"`,
  );
  if (caughtUp.trim() !== "0") throw new Error("web-02 does not catch up");
  // What was written just now is in the data; a usual night has few logs beside it.
  for (const host of ["web-01", "web-02"]) {
    await onHost(
      host,
      `mysql -e "FLUSH NO_WRITE_TO_BINLOG BINARY LOGS" && last=$(mysql -NBe "SHOW BINARY LOGS" | tail -1 | cut -f 1) && mysql -e "PURGE BINARY LOGS TO '$last'"`,
    );
  }
}

function makeWord(random: () => number): string {
  const letters = "etaoinshrdlucmfwypvbgkjqxz";
  const length = 2 + Math.floor(random() * 10);
  return Array.from({ length }, () => letters[Math.floor(random() * random() * 26)]).join("");
}

/** Some words are far more frequent than others, and a fifth is what cannot be compressed. */
function makeRow(words: readonly string[], random: () => number): string {
  const noise = Buffer.from(Array.from({ length: bodyBytes / 5 }, () => random() * 256));
  let text = noise.toString("base64").slice(0, bodyBytes / 5);
  while (text.length < bodyBytes) text += ` ${words[Math.floor(random() ** 3 * wordCount)]}`;
  const author = words[Math.floor(random() * wordCount)];
  const at = new Date(1.7e12 + Math.floor(random() * 5e10)).toISOString().slice(0, 19);
  return `('${author}','${at}','${text}')`;
}
