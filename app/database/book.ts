/** The guest book in the database: writes go to the primary, reads to a replica that has what the reader wrote. */

import { randomUUID } from "node:crypto";
import type { PoolConnection, ResultSetHeader, RowDataPacket } from "mysql2/promise";
import type { NewEntry } from "../entry";
import { isGtidSet, parseTrackedGtid } from "../gtid";
import type { DatabaseSettings } from "../settings";
import { classifyFault } from "./fault";
import { createMember, type Member, type Place, type Role } from "./member";
import { createReader, type Question, type Reading } from "./reading";
import { type Send, writeOnce } from "./write";

export interface Written {
  readonly id: number;
  /** Absent where neither the answer nor the server names one. */
  readonly gtid: string | undefined;
  readonly writtenTo: Place;
}

export interface MemberStatus {
  readonly role: Role;
  readonly isReachable: boolean;
  readonly host?: string;
  readonly isReadOnly?: boolean;
}

export interface Book {
  /** Makes the table where there is none. */
  prepare(): Promise<void>;
  write(entry: NewEntry, takenBy: string): Promise<Written>;
  read(question: Question): Promise<Reading>;
  status(): Promise<readonly MemberStatus[]>;
  close(): Promise<void>;
}

/** Apart, so that reads go on while all writes wait for a replica; of two web servers far below MySQL's default of 151. */
const readLimits = { connections: 10, waiting: 200, lateSeconds: 0 };
const writeLimits = { connections: 10, waiting: 200, lateSeconds: 60 };

/** Above MySQL's `rpl_semi_sync_source_timeout` of 10 s, below the usual 30 s of the servers in front. */
const writeDeadlineSeconds = 15;
const writePatience = { seconds: writeDeadlineSeconds, pauseSeconds: 0.2 };
const statusDeadlineSeconds = 2;

const table = `CREATE TABLE IF NOT EXISTS entries (
  id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  submission CHAR(36) CHARACTER SET ascii NOT NULL UNIQUE,
  name VARCHAR(60) NOT NULL,
  message VARCHAR(1000) NOT NULL,
  taken_by VARCHAR(64) NOT NULL,
  created_at TIMESTAMP(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3)
) CHARACTER SET utf8mb4`;

export function openBook(settings: DatabaseSettings): Book {
  const writer = createMember("primary", settings.primaryHost, settings, writeLimits);
  const primary = createMember("primary", settings.primaryHost, settings, readLimits);
  const replicas = settings.replicaHosts.map((host) =>
    createMember("replica", host, settings, readLimits),
  );
  const members = [primary, ...replicas];
  return {
    prepare: () => writer.use(writeDeadlineSeconds, prepareTable),
    write: (entry, takenBy) => writeEntry(writer, entry, takenBy),
    read: createReader({ primary, replicas }),
    status: () => Promise.all(members.map(readStatus)),
    close: async () => {
      await Promise.allSettled([writer, ...members].map((member) => member.close()));
    },
  };
}

/** Asks first: `CREATE TABLE IF NOT EXISTS` would add a transaction to the log at every start. */
async function prepareTable(connection: PoolConnection): Promise<void> {
  try {
    await connection.query("SELECT 1 FROM entries LIMIT 0");
  } catch (error) {
    if (classifyFault(error) !== "missing-table") throw error;
    await connection.query(table);
  }
}

/** The submission keeps an entry single, however often it is sent. */
function writeEntry(writer: Member, entry: NewEntry, takenBy: string): Promise<Written> {
  return writeOnce(async ({ send, seconds }) => {
    const inserted = await writer.use(seconds, async (connection) => {
      const { id, gtid } = await insertEntry(connection, send, entry, takenBy);
      // It is written: what cannot be asked any more is no failure of the write.
      return { id, ...(await askPlace(connection, gtid).catch(() => ({ gtid, host: undefined }))) };
    });
    const { id, gtid, host = writer.address } = inserted;
    return { id, gtid, writtenTo: { role: "primary", host } };
  }, writePatience);
}

interface Inserted {
  readonly id: number;
  readonly gtid: string | undefined;
}

async function insertEntry(
  connection: PoolConnection,
  send: Send,
  entry: NewEntry,
  takenBy: string,
): Promise<Inserted> {
  const insert = async (submission: string): Promise<Inserted> => {
    const [header] = await send(() =>
      connection.execute<ResultSetHeader>(
        "INSERT INTO entries (submission, name, message, taken_by) VALUES (?, ?, ?, ?)",
        [submission, entry.name, entry.message, takenBy],
      ),
    );
    return { id: header.insertId, gtid: parseTrackedGtid(header) };
  };
  try {
    return await insert(entry.submission);
  } catch (error) {
    if (classifyFault(error) !== "duplicate") throw error;
  }
  const id = await findSame(connection, entry);
  if (id !== undefined) return { id, gtid: undefined };
  // The same form, gone back to and sent with another text.
  return insert(randomUUID());
}

async function askPlace(
  connection: PoolConnection,
  tracked: string | undefined,
): Promise<{ readonly gtid: string | undefined; readonly host: string }> {
  const [rows] = await connection.query<RowDataPacket[]>(
    "SELECT @@hostname AS host, @@gtid_executed AS executed",
  );
  const executed = String(rows[0]?.executed ?? "").replaceAll(/\s/g, "");
  const gtid = tracked ?? (isGtidSet(executed) ? executed : undefined);
  return { gtid, host: String(rows[0]?.host) };
}

async function findSame(connection: PoolConnection, entry: NewEntry): Promise<number | undefined> {
  const [rows] = await connection.execute<RowDataPacket[]>(
    "SELECT id, name, message FROM entries WHERE submission = ?",
    [entry.submission],
  );
  const row = rows[0];
  const isSame = row?.name === entry.name && row.message === entry.message;
  return isSame ? Number(row.id) : undefined;
}

/** Anybody may ask for it: it tells no addresses. */
async function readStatus({ role, use }: Member): Promise<MemberStatus> {
  try {
    return await use(statusDeadlineSeconds, async (connection) => {
      const [rows] = await connection.query<RowDataPacket[]>(
        "SELECT @@hostname AS host, @@super_read_only AS readOnly",
      );
      const row = rows[0];
      const isReadOnly = row?.readOnly === 1;
      return { role, isReachable: true, host: String(row?.host), isReadOnly };
    });
  } catch {
    return { role, isReachable: false };
  }
}
