/** One MySQL server as the application sees it: a pool that survives its restart, a deadline on everything. */

import { createPool, type Pool, type PoolConnection } from "mysql2/promise";
import type { DatabaseSettings } from "../settings";

export type Role = "primary" | "replica";

/** Where something was read or written. */
export interface Place {
  readonly role: Role;
  /** The database server's own name. */
  readonly host: string;
}

export interface Member {
  readonly role: Role;
  readonly address: string;
  /** Runs `work` on a connection of its own; the connection is thrown away when that fails. */
  use<T>(deadlineSeconds: number, work: (connection: PoolConnection) => Promise<T>): Promise<T>;
  /** Marks it as one to leave alone for some seconds. */
  avoid(): void;
  isAvoided(): boolean;
  close(): Promise<void>;
}

/** A machine that has lost its power gives no answer at all: the page must not wait long for it. */
const connectTimeoutSeconds = 2;
const avoidSeconds = 5;
const keepAliveSeconds = 10;

/** How many connections one purpose may have, and how many may wait for one; more are refused at once. */
export interface PoolLimits {
  readonly connections: number;
  readonly waiting: number;
  /**
   * How long a connection is kept whose answer is late. MySQL does not notice that a client is gone while a commit waits for
   * a replica: each connection that is closed meanwhile stays on the server, until the account may have no more.
   */
  readonly lateSeconds: number;
}

/** The connections to one server for one purpose. */
export interface Lane {
  readonly pool: Pick<Pool, "getConnection">;
  readonly label: string;
  readonly lateSeconds: number;
  /** Connections whose answers are late. */
  readonly late: Set<PoolConnection>;
}

export function createMember(
  role: Role,
  address: string,
  settings: DatabaseSettings,
  limits: PoolLimits,
): Member {
  const pool = openPool(address, settings, limits);
  const label = `${role} ${address}`;
  const lane: Lane = { pool, label, lateSeconds: limits.lateSeconds, late: new Set() };
  let avoidedUntil = 0;
  return {
    role,
    address,
    use: (deadlineSeconds, work) => useConnection(lane, deadlineSeconds, work),
    avoid: () => {
      avoidedUntil = Date.now() + avoidSeconds * 1000;
    },
    isAvoided: () => Date.now() < avoidedUntil,
    close: () => {
      // The pool's end would wait for their answers.
      for (const connection of lane.late) connection.destroy();
      return pool.end();
    },
  };
}

function openPool(address: string, settings: DatabaseSettings, limits: PoolLimits): Pool {
  const pool = createPool({
    host: address,
    port: settings.port,
    user: settings.user,
    password: settings.password,
    database: settings.name,
    charset: "utf8mb4",
    connectTimeout: connectTimeoutSeconds * 1000,
    connectionLimit: limits.connections,
    queueLimit: limits.waiting,
    enableKeepAlive: true,
    // A machine that is gone is noticed while an answer is waited for.
    keepAliveInitialDelay: keepAliveSeconds * 1000,
    ...(settings.ssl === "off" ? {} : { ssl: tls(settings.ssl) }),
  });
  // With it, the answer to each write names its transaction.
  pool.pool.on("connection", (connection) => {
    connection.query(
      // A wait for a row's lock ends with an answer of the server, before our own deadline: then nothing was written.
      "SET SESSION session_track_gtids = 'OWN_GTID', innodb_lock_wait_timeout = 5",
      () => undefined,
    );
  });
  return pool;
}

/** That the name in the certificate is the server's is verified as well. */
function tls(ssl: "required" | { readonly authority: string }) {
  return ssl === "required"
    ? { rejectUnauthorized: false }
    : { ca: ssl.authority, rejectUnauthorized: true, verifyIdentity: true };
}

export async function useConnection<T>(
  lane: Lane,
  deadlineSeconds: number,
  work: (connection: PoolConnection) => Promise<T>,
): Promise<T> {
  const { pool, label } = lane;
  let connection: PoolConnection | undefined;
  let isLate = false;
  const run = async (): Promise<T> => {
    const opened = await pool.getConnection();
    if (isLate) {
      // Whoever asked was told that it failed: nothing may be done any more.
      opened.release();
      throw new Error(`the ${label} was free too late`);
    }
    connection = opened;
    return work(opened);
  };
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      isLate = true;
      reject(new Error(`the ${label} did not answer within ${deadlineSeconds} s`));
    }, deadlineSeconds * 1000);
  });
  const running = run();
  try {
    const result = await Promise.race([running, late]);
    connection?.release();
    return result;
  } catch (error) {
    if (connection !== undefined) {
      if (isLate) keepUntilAnswered(lane, connection, running);
      else connection.destroy();
    }
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function keepUntilAnswered(
  { late, lateSeconds }: Lane,
  connection: PoolConnection,
  running: Promise<unknown>,
): void {
  late.add(connection);
  const close = () => {
    late.delete(connection);
    connection.destroy();
  };
  const timer = setTimeout(close, lateSeconds * 1000);
  timer.unref();
  const release = () => {
    if (late.delete(connection)) connection.release();
  };
  void running.then(release, close).finally(() => clearTimeout(timer));
}
