/**
 * MySQL servers that take the plugin's own statements: they replicate, wait for acknowledgements, are closed and cloned as
 * MySQL is, as far as the plugin relies on it. What would hang for ever in MySQL is an error that says so.
 */

import { parseGtidSet, renderGtidSet } from "../../provider/kinds/mysql/gtid";
import { shaCrypt } from "../../provider/kinds/mysql/password-hash";
import { type Catalog, evaluate, type Row, select, type Value } from "./select";

export interface User {
  /** None of those that log in over the socket. */
  password: string | undefined;
  /** Of those, another system user whose account it is. */
  systemUser?: string;
  former?: string;
  needsTls: boolean;
  isLocked: boolean;
  maxConnections: number;
  /** Level, as SQL writes it, to privileges. */
  grants: Map<string, Set<string>>;
}

interface Data {
  /** Schema to tables with their comments. */
  schemas: Map<string, Map<string, string>>;
  /** By `'name'@'host'`. */
  users: Map<string, User>;
  /** Who made views, as `name@host`. */
  definers: string[];
  /** What the application wrote. */
  entries: string[];
}

interface Transaction {
  readonly id: string;
  readonly effect: (data: Data) => void;
  /** An application that is told when the commit is acknowledged; cut off when the server goes offline. */
  client?: string | undefined;
}

interface Source {
  host: string;
  port: number;
  user: string;
  password: string;
  autoPosition: string;
  ssl: string;
  authority: string;
  verifies: string;
  retryCount: number;
  connectRetry: number;
  heartbeat: number;
}

export interface Said {
  readonly stdout: string;
  readonly error?: string;
}

class SqlError extends Error {
  constructor(
    readonly number: number,
    message: string,
  ) {
    super(message);
  }
}

const foreverMilliseconds = 4294967295;

const asInstalled: Readonly<Record<string, string>> = {
  super_read_only: "OFF",
  read_only: "OFF",
  offline_mode: "OFF",
  gtid_mode: "ON",
  clone_valid_donor_list: "",
  rpl_semi_sync_source_enabled: "OFF",
  rpl_semi_sync_source_timeout: "10000",
  rpl_semi_sync_source_wait_point: "AFTER_SYNC",
  rpl_semi_sync_source_wait_no_replica: "ON",
  rpl_semi_sync_source_wait_for_replica_count: "1",
  rpl_semi_sync_replica_enabled: "OFF",
  // Not semi-synchronous replication's, though it looks like it to a careless pattern.
  rplxsemi_sync_other: "ON",
};

/** What `zz-trilithon.cnf` says. */
const ourFile = { super_read_only: "ON", rpl_semi_sync_replica_enabled: "ON" };

export class Mysqlds {
  readonly servers: readonly Mysqld[];
  /** What applications were told is written. */
  readonly acknowledged: string[] = [];
  /** Called after each statement of any server. */
  watch: ((statement: string) => void) | undefined;

  constructor(addresses: Readonly<Record<string, string>>) {
    this.servers = Object.entries(addresses).map(
      ([name, address], index) => new Mysqld(this, name, address, index + 1),
    );
  }

  on(name: string): Mysqld {
    const server = this.servers.find((one) => one.name === name);
    if (server === undefined) throw new Error(`there is no ${name}`);
    return server;
  }

  /** Who would answer at an address. */
  at(host: string, port: number): Mysqld | undefined {
    return this.servers.find(
      (one) => one.address === host && one.port === port && one.isRunning && !one.isCutOff,
    );
  }

  /** Lets all replicas get and apply what there is. */
  settle(): void {
    for (let round = 0; round <= this.servers.length; round += 1) {
      for (const server of this.servers) server.replicate();
    }
  }
}

export class Mysqld {
  readonly port = 3306;
  readonly uuid: string;
  isRunning = true;
  isCutOff = false;
  isInstalled = true;
  processId = 100;
  file: Readonly<Record<string, string>> = ourFile;
  readonly variables = new Map<string, string>();
  readonly persisted = new Map<string, string>();
  readonly executed = new Set<string>();
  readonly received = new Set<string>();
  readonly log: Transaction[] = [];
  readonly relay: Transaction[] = [];
  waiting: Transaction[] = [];
  data: Data = emptyData();
  source: Source | undefined;
  isReceiving = false;
  isApplying = false;
  applierError: string | undefined;
  applierFailsIn: "worker" | "coordinator" = "worker";
  /** How many short waits end before what was received is applied. */
  lag = 0;
  /** What becomes of the next CLONE once all is sent. */
  cloneEnds: "well" | "without data" | "stopped" = "well";
  /** A plugin that was turned off. */
  disabledPlugin = "";
  connectedTo: Mysqld | undefined;
  /** Agreed on when the receiver connected. */
  acknowledges = false;
  /** What `processlist` shows besides. */
  otherProcesses: string[] = [];
  /** Of all statements that were taken. */
  readonly taken: string[] = [];
  #current = "";

  constructor(
    private readonly cluster: Mysqlds,
    readonly name: string,
    readonly address: string,
    readonly id: number,
  ) {
    this.uuid = `0000000${id}-0000-0000-0000-000000000000`;
    this.#readConfiguration();
  }

  /** For applications; an administrator may write as soon as it is not `super_read_only`. */
  get isOpen(): boolean {
    return !this.#isOn("super_read_only") && !this.#isOn("read_only");
  }

  get gtidExecuted(): string {
    return renderGtidSet(parseGtidSet([...this.executed].join(",")));
  }

  /** Ends, be it by a crash: commits that waited are in the log, and stand at the next start. */
  stop(): void {
    this.isRunning = false;
    for (const { id, effect } of this.waiting) {
      this.executed.add(id);
      effect(this.data);
    }
    this.waiting = [];
    this.connectedTo = undefined;
    for (const other of this.cluster.servers) {
      if (other.connectedTo === this) other.connectedTo = undefined;
    }
  }

  start(): void {
    this.isRunning = true;
    this.processId += 1;
    this.#readConfiguration();
    // As `relay_log_recovery` has it.
    this.relay.length = 0;
    this.received.clear();
    this.isReceiving = this.source !== undefined;
    this.isApplying = this.source !== undefined;
    this.cluster.settle();
  }

  restart(): void {
    this.stop();
    this.start();
  }

  /** The application writes; it is told at once, or once somebody acknowledges it. */
  write(entry: string): "acknowledged" | "refused" | "waits" {
    if (!this.isRunning || !this.isOpen) return "refused";
    const effect = (data: Data) => data.entries.push(entry);
    return this.#commit(effect, entry) ? "acknowledged" : "waits";
  }

  replicate(): void {
    if (!this.isRunning || this.source === undefined) return;
    const source = this.isReceiving ? this.#reachable(this.source) : undefined;
    if (source === undefined) this.connectedTo = undefined;
    else {
      if (this.connectedTo !== source) {
        this.acknowledges = this.#isOn("rpl_semi_sync_replica_enabled");
        this.connectedTo = source;
      }
      for (const transaction of source.log) {
        if (this.executed.has(transaction.id) || this.received.has(transaction.id)) continue;
        this.received.add(transaction.id);
        this.relay.push({ ...transaction, client: undefined });
      }
      if (this.acknowledges) source.#acknowledge(this);
    }
    if (!this.isApplying || this.applierError !== undefined || this.lag > 0) return;
    for (const transaction of this.relay.splice(0)) {
      transaction.effect(this.data);
      this.executed.add(transaction.id);
      this.log.push(transaction);
    }
  }

  /** As the client does it: stops at the first error, unless told to go on. */
  take(text: string, { isGoingOn = false } = {}): Said {
    const session: Session = { variables: new Map(), writesLog: true };
    let stdout = "";
    let error: string | undefined;
    for (const statement of statementsIn(text)) {
      if (!this.isRunning) {
        error = "ERROR 2002 (HY000): Can't connect to local MySQL server";
        break;
      }
      this.taken.push(statement);
      this.#current = statement;
      try {
        for (const line of this.#execute(statement, session)) stdout += `${line}\n`;
        this.cluster.settle();
      } catch (failure) {
        const number = failure instanceof SqlError ? failure.number : 1064;
        error = `ERROR ${number} (HY000) at line 1: ${failure instanceof Error ? failure.message : failure}`;
        if (!isGoingOn) break;
      } finally {
        this.cluster.watch?.(statement);
      }
    }
    return { stdout, ...(error !== undefined && { error }) };
  }

  /** Over TCP, with TLS. */
  login(name: string, password: string, from: string): Said {
    const user = this.#user(name, from);
    if (!this.isRunning) return { stdout: "", error: "ERROR 2003 (HY000): Can't connect" };
    if (user?.isLocked) return { stdout: "", error: "ERROR 3118 (HY000): Account is locked" };
    return user !== undefined && [user.password, user.former].includes(password)
      ? { stdout: "" }
      : { stdout: "", error: "ERROR 1045 (28000): Access denied" };
  }

  /** Whose name it is, and who may come from that address. */
  #user(name: string, from: string): User | undefined {
    const found = [...this.data.users].filter(([key]) => {
      const [of, host = ""] = key.slice(1, -1).split("'@'");
      const pattern = host.replaceAll(".", "\\.").replaceAll("%", ".*");
      return of === name && new RegExp(`^${pattern}$`).test(from);
    });
    // As MySQL: the narrowest host part.
    const exact = found.find(([key]) => key.endsWith(`@'${from}'`));
    return (exact ?? found[0])?.[1];
  }

  #isOn(variable: string): boolean {
    return this.variables.get(variable) === "ON";
  }

  #readConfiguration(): void {
    const all = { ...asInstalled, ...this.file, ...Object.fromEntries(this.persisted) };
    for (const [name, value] of Object.entries(all)) this.variables.set(name, value);
    if (this.variables.get("super_read_only") === "ON") this.variables.set("read_only", "ON");
  }

  /** Whom a receiver with these settings reaches. */
  #reachable({ host, port, user, password, ssl }: Source): Mysqld | undefined {
    const server = this.cluster.at(host, port);
    if (server === undefined || server.#isOn("offline_mode") || this.isCutOff) return undefined;
    const account = server.#user(user, this.address);
    const isLet =
      account !== undefined &&
      !account.isLocked &&
      [account.password, account.former].includes(password) &&
      (ssl === "1" || !account.needsTls) &&
      account.grants.get("*.*")?.has("REPLICATION SLAVE");
    return isLet ? server : undefined;
  }

  #acknowledge(replica: Mysqld): void {
    const has = ({ id }: Transaction) => replica.received.has(id) || replica.executed.has(id);
    const done = this.waiting.filter(has);
    this.waiting = this.waiting.filter((one) => !has(one));
    for (const transaction of done) this.#finish(transaction);
  }

  #finish({ id, effect, client }: Transaction): void {
    effect(this.data);
    this.executed.add(id);
    if (client !== undefined) this.cluster.acknowledged.push(client);
  }

  /** Answers whether it is done; what waits for a replica is done later. */
  #commit(effect: (data: Data) => void, client?: string): boolean {
    const own = [...this.log, ...this.waiting].filter(({ id }) => id.startsWith(this.uuid));
    const executed = [...this.executed].filter((id) => id.startsWith(this.uuid));
    const last = [...own.map(({ id }) => id), ...executed]
      .map((id) => Number(id.split(":")[1]))
      .reduce((one, other) => Math.max(one, other), 0);
    const transaction: Transaction = { id: `${this.uuid}:${last + 1}`, effect, client };
    this.log.push(transaction);
    if (!this.#isOn("rpl_semi_sync_source_enabled")) {
      this.#finish(transaction);
      this.cluster.settle();
      return true;
    }
    this.waiting.push(transaction);
    this.cluster.settle();
    if (!this.waiting.includes(transaction)) return true;
    if (Number(this.variables.get("rpl_semi_sync_source_timeout")) >= foreverMilliseconds) {
      return false;
    }
    this.#letGo();
    return true;
  }

  #letGo(): void {
    for (const transaction of this.waiting.splice(0)) this.#finish(transaction);
  }

  #change(effect: (data: Data) => void, { writesLog }: Session): void {
    if (this.#isOn("super_read_only")) throw new SqlError(1290, "running with super_read_only");
    if (!writesLog) effect(this.data);
    else if (!this.#commit(effect)) throw new SqlError(9999, "hangs: no replica acknowledges it");
  }

  #execute(statement: string, session: Session): string[] {
    if (/^SELECT\b/.test(statement)) return this.#select(statement, session);
    for (const [form, run] of this.#forms) {
      const match = form.exec(statement);
      if (match === null) continue;
      const said = run(match.slice(1), session);
      return Array.isArray(said) ? said : [];
    }
    throw new SqlError(1064, `unknown statement: ${statement}`);
  }

  /** Reads what is there now: a wait ends when its set has come, or at once where it does not come. */
  #select(statement: string, session: Session): string[] {
    this.cluster.settle();
    return select(statement, this.#catalog(session));
  }

  readonly #forms: readonly (readonly [
    RegExp,
    (parts: readonly (string | undefined)[], session: Session) => unknown,
  ])[] = [
    [/^DO 0$/, () => []],
    [/^SET SESSION (.*)$/, ([list = ""]) => this.#setSession(list)],
    [
      /^SET sql_log_bin = ([01])$/,
      ([value], session) => {
        session.writesLog = value === "1";
        return [];
      },
    ],
    [
      /^SET (GLOBAL|PERSIST) (\w+) = (.*)$/,
      ([scope, name = "", value = ""], session) => {
        const now = /^[A-Z_]+$/.test(value)
          ? value
          : String(evaluate(value, this.#catalog(session)));
        this.#set(name.toLowerCase(), now);
        if (scope === "PERSIST") this.persisted.set(name.toLowerCase(), now);
        return [];
      },
    ],
    [
      /^RESET PERSIST (?:IF EXISTS )?(\w+)$/,
      ([name = ""]) => {
        this.persisted.delete(name);
        return [];
      },
    ],
    [/^STOP REPLICA$/, () => this.#stopThreads(true, true)],
    [/^STOP REPLICA IO_THREAD$/, () => this.#stopThreads(true, false)],
    [/^START REPLICA$/, () => this.#startThreads(true, true)],
    [/^START REPLICA IO_THREAD$/, () => this.#startThreads(true, false)],
    [/^START REPLICA SQL_THREAD$/, () => this.#startThreads(false, true)],
    [
      /^RESET REPLICA ALL$/,
      () => {
        this.#mustBeStopped();
        this.source = undefined;
        this.relay.length = 0;
        this.received.clear();
        return [];
      },
    ],
    [
      /^CHANGE REPLICATION SOURCE TO (.*)$/,
      ([options = ""], session) => this.#changeSource(options, session),
    ],
    [
      /^CREATE DATABASE (IF NOT EXISTS )?`?(\w+)`?(?: CHARACTER SET (\w+))?$/,
      ([, name = ""], session) =>
        this.#change(({ schemas }) => schemas.set(name, schemas.get(name) ?? new Map()), session),
    ],
    [
      /^CREATE TABLE IF NOT EXISTS (\w+)\.(\w+) \(.* PRIMARY KEY\) COMMENT = ('.*')$/,
      ([schema = "", table = "", comment = ""], session) => {
        const text = String(evaluate(comment, this.#catalog(session)));
        this.#change(({ schemas }) => {
          const tables = schemas.get(schema);
          if (tables === undefined) throw new SqlError(1049, `Unknown database '${schema}'`);
          if (!tables.has(table)) tables.set(table, text);
        }, session);
      },
    ],
    [
      /^CREATE USER (IF NOT EXISTS )?('.*'@'.*') IDENTIFIED (?:WITH auth_socket|BY ('.*')( REQUIRE SSL)?)$/,
      ([condition, key = "", password, tls], session) => {
        if (condition === undefined && this.data.users.has(key)) {
          throw new SqlError(1396, "Operation CREATE USER failed");
        }
        const text = password && String(evaluate(password, this.#catalog(session)));
        this.#change(({ users }) => {
          if (!users.has(key)) users.set(key, newUser(text, tls !== undefined));
        }, session);
      },
    ],
    [/^ALTER USER ('.*?'@'.*?') (.*)$/, (parts, session) => this.#alterUser(parts, session)],
    [
      /^RENAME USER ('.*'@'.*') TO ('.*'@'.*')$/,
      ([from = "", to = ""], session) =>
        this.#change(({ users }) => {
          const user = users.get(from);
          if (user === undefined) throw new SqlError(1396, "RENAME USER failed");
          users.delete(from);
          users.set(to, user);
        }, session),
    ],
    [
      /^DROP USER (?:IF EXISTS )?('.*'@'.*')$/,
      ([key = ""], session) => this.#change(({ users }) => users.delete(key), session),
    ],
    [
      /^GRANT (.*) ON (\*\.\*|`[^`]+`\.\S+) TO ('.*'@'.*')$/,
      ([privileges = "", level = "", key = ""], session) =>
        this.#change(({ users }) => {
          const { grants } = accountOf(users, key);
          const now = grants.get(level) ?? new Set();
          for (const one of privileges.split(", ")) now.add(one);
          grants.set(level, now);
        }, session),
    ],
    [
      /^REVOKE (.*?)(?: ON (\*\.\*|`[^`]+`\.\S+))? FROM ('.*'@'.*')$/,
      ([privileges = "", level, key = ""], session) =>
        this.#change(({ users }) => {
          const { grants } = accountOf(users, key);
          const at = level ?? `role ${privileges}`;
          const now = grants.get(at);
          for (const one of level === undefined ? ["ROLE"] : privileges.split(", ")) {
            if (!now?.delete(one)) throw new SqlError(1141, "There is no such grant defined");
          }
          if (now?.size === 0) grants.delete(at);
        }, session),
    ],
    [/^SHOW GRANTS FOR ('.*'@'.*')$/, ([key = ""]) => this.#showGrants(key)],
    [
      /^CLONE INSTANCE FROM '(.*)'@'(.*)':(\d+) IDENTIFIED BY ('.*') REQUIRE SSL$/,
      ([user = "", host = "", port, password = ""], session) => {
        const text = String(evaluate(password, this.#catalog(session)));
        return this.#clone(`${host}:${port}`, this.cluster.at(host, Number(port)), user, text);
      },
    ],
  ];

  #setSession(list: string): string[] {
    // An unknown variable is an error, as it is in MySQL.
    for (const part of list.split(", ")) {
      if (!/^(sql_mode|sql_log_off|long_query_time|lock_wait_timeout) = \S+$/.test(part)) {
        throw new SqlError(1193, `Unknown system variable in ${part}`);
      }
    }
    return [];
  }

  #set(name: string, value: string): void {
    if (!this.variables.has(name)) throw new SqlError(1193, `Unknown system variable '${name}'`);
    const isClosing = ["super_read_only", "read_only"].includes(name) && value === "ON";
    if (isClosing && this.waiting.length > 0) {
      throw new SqlError(1205, "Lock wait timeout exceeded; try restarting transaction");
    }
    this.variables.set(name, value);
    if (name === "super_read_only" && value === "ON") this.variables.set("read_only", "ON");
    if (name === "read_only" && value === "OFF") this.variables.set("super_read_only", "OFF");
    if (name === "rpl_semi_sync_source_enabled" && value === "OFF") this.#letGo();
    if (name === "offline_mode" && value === "ON") {
      for (const transaction of this.waiting) transaction.client = undefined;
      for (const other of this.cluster.servers) {
        if (other.connectedTo === this) other.connectedTo = undefined;
      }
    }
  }

  #stopThreads(receiver: boolean, applier: boolean): string[] {
    if (receiver) this.isReceiving = false;
    if (receiver) this.connectedTo = undefined;
    if (applier) this.isApplying = false;
    return [];
  }

  #startThreads(receiver: boolean, applier: boolean): string[] {
    if (this.source === undefined) {
      throw new SqlError(1200, "The server is not configured as replica");
    }
    if (receiver) this.isReceiving = true;
    if (applier) this.isApplying = true;
    if (applier) this.applierError = undefined;
    return [];
  }

  #mustBeStopped(): void {
    if (this.isReceiving || this.isApplying) {
      throw new SqlError(
        3081,
        "This operation cannot be performed with running replication threads",
      );
    }
  }

  #changeSource(list: string, session: Session): string[] {
    // As MySQL: a password is the receiver's matter alone.
    if (this.isReceiving || !/^SOURCE_PASSWORD = '[^']*'$/.test(list)) this.#mustBeStopped();
    const before: Source = this.source ?? {
      host: "",
      port: 3306,
      user: "",
      password: "",
      autoPosition: "0",
      ...{ ssl: "0", authority: "", verifies: "0" },
      retryCount: 10,
      connectRetry: 60,
      heartbeat: 30,
    };
    const options = new Map(
      [...list.matchAll(/SOURCE_(\w+) = ('(?:[^'\\]|\\.)*'|[^,]+)/g)].map(
        ([, name = "", value = ""]) =>
          [name, String(evaluate(value, this.#catalog(session)))] as const,
      ),
    );
    const host = options.get("HOST") ?? before.host;
    if (host !== before.host) {
      this.relay.length = 0;
      this.received.clear();
    }
    this.source = {
      host,
      port: Number(options.get("PORT") ?? before.port),
      user: options.get("USER") ?? before.user,
      password: options.get("PASSWORD") ?? before.password,
      autoPosition: options.get("AUTO_POSITION") ?? before.autoPosition,
      ssl: options.get("SSL") ?? before.ssl,
      authority: options.get("SSL_CA") ?? before.authority,
      verifies: options.get("SSL_VERIFY_SERVER_CERT") ?? before.verifies,
      retryCount: Number(options.get("RETRY_COUNT") ?? before.retryCount),
      connectRetry: Number(options.get("CONNECT_RETRY") ?? before.connectRetry),
      heartbeat: Number(options.get("HEARTBEAT_PERIOD") ?? before.heartbeat),
    };
    return [];
  }

  #alterUser([key = "", rest = ""]: readonly (string | undefined)[], session: Session): undefined {
    const [, password] = /^IDENTIFIED BY ('(?:[^'\\]|\\.)*')/.exec(rest) ?? [];
    const text =
      password === undefined ? undefined : String(evaluate(password, this.#catalog(session)));
    const [, limit] = /WITH MAX_USER_CONNECTIONS (\d+)$/.exec(rest) ?? [];
    const known =
      /^(IDENTIFIED WITH auth_socket( AS '.*')?|IDENTIFIED BY '.*'( RETAIN CURRENT PASSWORD)?( REQUIRE SSL)?( ACCOUNT UNLOCK)?|ACCOUNT (UN)?LOCK|DISCARD OLD PASSWORD|WITH MAX_USER_CONNECTIONS \d+)$/;
    if (!known.test(rest)) throw new SqlError(1064, `unknown ALTER USER: ${rest}`);
    this.#change(({ users }) => {
      const user = accountOf(users, key);
      if (text !== undefined) {
        if (rest.includes(" RETAIN CURRENT PASSWORD")) {
          // As MySQL: only a password can be kept.
          if (user.password === undefined) throw new SqlError(3894, "no current password");
          user.former = user.password;
        }
        // As MySQL: the plugin stays, and knows no password.
        if (user.password !== undefined) user.password = text;
      }
      const [socket, systemUser] = /^IDENTIFIED WITH auth_socket(?: AS '(.*)')?$/.exec(rest) ?? [];
      if (socket !== undefined) {
        user.password = undefined;
        delete user.systemUser;
        if (systemUser !== undefined) user.systemUser = systemUser;
      }
      if (rest.includes(" REQUIRE SSL")) user.needsTls = true;
      if (rest.endsWith("ACCOUNT UNLOCK")) user.isLocked = false;
      else if (rest.endsWith("ACCOUNT LOCK")) user.isLocked = true;
      if (rest === "DISCARD OLD PASSWORD") delete user.former;
      if (limit !== undefined) user.maxConnections = Number(limit);
    }, session);
  }

  #showGrants(key: string): string[] {
    const account = key.replaceAll("'", "`");
    const { grants } = accountOf(this.data.users, key);
    const lines = [...grants].map(([level, privileges]) => {
      if (level.startsWith("role ")) return `GRANT ${level.slice(5)} TO ${account}`;
      const names = [...privileges].filter((name) => name !== "GRANT OPTION");
      const option = privileges.has("GRANT OPTION") ? " WITH GRANT OPTION" : "";
      return `GRANT ${names.join(", ") || "USAGE"} ON ${level} TO ${account}${option}`;
    });
    return [`GRANT USAGE ON *.* TO ${account}`, ...lines];
  }

  /** Takes all that the donor has, and starts anew with it; the client is cut off. */
  #clone(address: string, donor: Mysqld | undefined, user: string, password: string): string[] {
    if (this.variables.get("clone_valid_donor_list") !== address) {
      throw new SqlError(3869, `Clone system configuration: ${address} not found in donor list`);
    }
    if (this.#isOn("super_read_only")) throw new SqlError(1290, "running with super_read_only");
    const account = donor === undefined ? undefined : donor.#user(user, this.address);
    const isLet =
      account !== undefined &&
      !account.isLocked &&
      [account.password, account.former].includes(password) &&
      account.grants.get("*.*")?.has("BACKUP_ADMIN");
    if (donor === undefined || !isLet) throw new SqlError(3862, "Clone Donor Error");
    if (donor.waiting.length > 0) throw new SqlError(9999, "hangs: the donor's commits wait");
    const ends = this.cloneEnds;
    this.cloneEnds = "well";
    this.isRunning = false;
    this.data = ends === "without data" ? emptyData() : copyOf(donor.data);
    this.source = undefined;
    this.waiting = [];
    this.executed.clear();
    for (const id of donor.executed) this.executed.add(id);
    this.log.length = 0;
    if (ends !== "stopped") this.start();
    throw new SqlError(3707, "Restart server failed (mysqld is not managed by supervisor process)");
  }

  #catalog({ variables }: Session): Catalog {
    return {
      rows: (table) => this.#rows(table),
      systemVariable: (name) => this.#systemVariable(name),
      userVariables: variables,
      call: (name, args) => this.#call(name, args),
    };
  }

  #systemVariable(name: string): Value {
    const own: Readonly<Record<string, Value>> = {
      server_id: this.id,
      server_uuid: this.uuid,
      log_bin: 1,
      // Line by line, as MySQL writes it.
      gtid_executed: this.gtidExecuted.replaceAll(",", ",\n"),
    };
    const value = own[name] ?? this.variables.get(name);
    if (value === undefined) throw new SqlError(1193, `Unknown system variable '${name}'`);
    const isFlag = ["super_read_only", "read_only", "offline_mode"].includes(name);
    return isFlag ? (value === "ON" ? 1 : 0) : value;
  }

  #call(name: string, args: readonly Value[]): Value | undefined {
    if (name !== "WAIT_FOR_EXECUTED_GTID_SET") return undefined;
    const [set, seconds] = args;
    if (typeof set !== "string") return null;
    if (!this.#hasExecuted(set)) {
      // A long wait ends when all is applied, a short one may end before.
      this.lag = Number(seconds) > 10 ? 0 : Math.max(0, this.lag - 1);
      this.cluster.settle();
    }
    return this.#hasExecuted(set) ? 0 : 1;
  }

  #hasExecuted(set: string): boolean {
    const wanted = parseGtidSet(set);
    for (const [source, intervals] of wanted) {
      for (const [first, last] of intervals) {
        for (let number = first; number <= last; number += 1n) {
          if (!this.executed.has(`${source}:${number}`)) return false;
        }
      }
    }
    return true;
  }

  #rows(table: string): Row[] {
    switch (table.toLowerCase()) {
      case "performance_schema.persisted_variables":
        return variableRows(this.persisted);
      case "performance_schema.global_variables":
        return variableRows(this.variables);
      case "performance_schema.global_status":
        return variableRows(this.#status());
      case "information_schema.plugins":
        return [
          ...["rpl_semi_sync_source", "rpl_semi_sync_replica", "clone", "InnoDB"].map((name) => ({
            PLUGIN_NAME: name,
            PLUGIN_STATUS: name === this.disabledPlugin ? "DISABLED" : "ACTIVE",
          })),
        ];
      case "information_schema.schemata":
        return [...this.data.schemas.keys(), ...ofTheServer].map((name) => ({ SCHEMA_NAME: name }));
      case "information_schema.tables":
        return [
          ...[
            ["sys", "cluster"],
            ...(this.data.schemas.has("trilithon") ? [["trilithon", "a"]] : []),
          ].map(([schema = "", name = ""]) => ({
            TABLE_SCHEMA: schema,
            TABLE_NAME: name,
            TABLE_COMMENT: "of another table",
          })),
          ...[...this.data.schemas].flatMap(([schema, tables]) =>
            [...tables].map(([name, comment]) => ({
              TABLE_SCHEMA: schema,
              TABLE_NAME: name,
              TABLE_COMMENT: comment,
            })),
          ),
        ];
      case "information_schema.views":
        return this.data.definers.map((definer) => ({ DEFINER: definer }));
      case "information_schema.routines":
      case "information_schema.triggers":
      case "information_schema.events":
        return [];
      case "performance_schema.processlist":
        return [
          ...this.otherProcesses.map((info) => ({ ID: 9, COMMAND: "Query", INFO: info })),
          ...this.#replicas().map((_, index) => ({
            ID: 40 + index,
            COMMAND: "Binlog Dump GTID",
            INFO: null,
          })),
          { ID: 8, COMMAND: "Sleep", INFO: null },
          { ID: 7, COMMAND: "Query", INFO: this.#current },
        ];
      // A commit that waits for a replica keeps its lock.
      case "performance_schema.metadata_locks":
        return this.waiting.map(() => ({
          OWNER_THREAD_ID: 50,
          ...{ OBJECT_TYPE: "COMMIT", LOCK_TYPE: "INTENTION_EXCLUSIVE", LOCK_STATUS: "GRANTED" },
        }));
      case "performance_schema.threads":
        return [
          { THREAD_ID: 1, NAME: "thread/sql/main", PROCESSLIST_ID: null },
          {
            ...{ THREAD_ID: 50, NAME: "thread/sql/one_connection", PROCESSLIST_ID: 8 },
            ...{ PROCESSLIST_USER: "shop", PROCESSLIST_TIME: 9 },
          },
        ];
      case "performance_schema.clone_progress":
        return [
          { STAGE: "DROP DATA", ESTIMATE: 0, DATA: 0 },
          { STAGE: "FILE COPY", ESTIMATE: 4194304, DATA: 1048576 },
        ];
      case "mysql.user":
        return [...this.data.users].map(([key, user]) => {
          const [name = "", host = ""] = key.slice(1, -1).split("'@'");
          return {
            USER: name,
            HOST: host,
            MAX_USER_CONNECTIONS: user.maxConnections,
            USER_ATTRIBUTES: user.former === undefined ? null : { additional_password: "x" },
            AUTHENTICATION_STRING: user.systemUser ?? storedOf(user.password),
            ACCOUNT_LOCKED: user.isLocked ? "Y" : "N",
            PASSWORD_EXPIRED: "N",
            PLUGIN: user.password === undefined ? "auth_socket" : "caching_sha2_password",
          };
        });
      case "mysql.slave_master_info":
        return this.#channels(({ password }) => ({ USER_PASSWORD: password }));
      case "performance_schema.replication_connection_configuration":
        return [
          ...(this.source === undefined
            ? [{ CHANNEL_NAME: "", HOST: "", PORT: 3306, USER: "", AUTO_POSITION: "0" }]
            : []),
          ...this.#channels((source) => ({
            HOST: source.host,
            PORT: source.port,
            USER: source.user,
            AUTO_POSITION: source.autoPosition,
            SSL_ALLOWED: source.ssl === "1" ? "YES" : "NO",
            SSL_CA_FILE: source.authority,
            SSL_VERIFY_SERVER_CERTIFICATE: source.verifies === "1" ? "YES" : "NO",
            CONNECTION_RETRY_COUNT: source.retryCount,
          })),
        ];
      case "performance_schema.replication_connection_status": {
        const receiver = this.isReceiving ? (this.connectedTo ? "ON" : "CONNECTING") : "OFF";
        const isFailing = receiver === "CONNECTING";
        const received = renderGtidSet(parseGtidSet([...this.received].join(",")));
        const row = {
          SERVICE_STATE: receiver,
          RECEIVED_TRANSACTION_SET: received.replaceAll(",", ",\n"),
          LAST_ERROR_NUMBER: isFailing ? 2003 : 0,
          LAST_ERROR_MESSAGE: isFailing ? notConnected : "",
        };
        // A server that follows nobody has a row of its own here too.
        return this.source === undefined
          ? [{ CHANNEL_NAME: "", ...row }]
          : this.#channels(() => row);
      }
      case "performance_schema.replication_applier_status":
        return this.#channels(() => ({
          SERVICE_STATE: this.isApplying && this.applierError === undefined ? "ON" : "OFF",
        }));
      case "performance_schema.replication_applier_status_by_worker":
        return this.#channels(() => this.#applierFailure("worker"));
      case "performance_schema.replication_applier_status_by_coordinator":
        return this.#channels(() => this.#applierFailure("coordinator"));
      default:
        throw new SqlError(1146, `Table '${table}' doesn't exist`);
    }
  }

  #applierFailure(thread: "worker" | "coordinator"): Row {
    const error = thread === this.applierFailsIn ? this.applierError : undefined;
    return { LAST_ERROR_NUMBER: error === undefined ? 0 : 1062, LAST_ERROR_MESSAGE: error ?? "" };
  }

  /** The row of our channel, beside another one that is nobody's business. */
  #channels(columns: (source: Source) => Row): Row[] {
    if (this.source === undefined) return [];
    const other: Source = { ...this.source, host: "192.0.2.1", password: "other", user: "other" };
    return [
      { ...columns(other), ...ofAnotherChannel, CHANNEL_NAME: "other" },
      { CHANNEL_NAME: "", ...columns(this.source) },
    ];
  }

  #replicas(): readonly Mysqld[] {
    return this.cluster.servers.filter(({ connectedTo }) => connectedTo === this);
  }

  #status(): Map<string, string> {
    const isAcknowledging = this.connectedTo !== undefined && this.acknowledges;
    return new Map([
      ["Uptime", "77"],
      ["Rpl_semi_sync_replica_status", isAcknowledging ? "ON" : "OFF"],
      [
        "Rpl_semi_sync_source_clients",
        String(this.#replicas().filter(({ acknowledges }) => acknowledges).length),
      ],
      // Only the first of those that wait is counted: the others wait for it.
      ["Rpl_semi_sync_source_wait_sessions", this.waiting.length > 0 ? "1" : "0"],
    ]);
  }
}

interface Session {
  readonly variables: Map<string, Value>;
  writesLog: boolean;
}

const notConnected =
  "Error connecting to source 'replication@10.0.0.1:3306'. This was attempt 1/0, with a delay of 1 seconds. Message: no way";

const ofAnotherChannel = {
  SERVICE_STATE: "OFF",
  RECEIVED_TRANSACTION_SET: "",
  LAST_ERROR_NUMBER: 9,
  LAST_ERROR_MESSAGE: "of another channel",
};

const ofTheServer = ["mysql", "sys", "information_schema", "performance_schema"];

/** As `caching_sha2_password` keeps it, with fewer rounds. */
function storedOf(password: string | undefined): string {
  if (password === undefined) return "";
  const known = stored.get(password);
  if (known !== undefined) return known;
  const salt = "a salt of 20 bytes\u0001\n";
  const text = `$A$001$${salt}${shaCrypt(password, Buffer.from(salt), 1000)}`;
  stored.set(password, text);
  return text;
}

const stored = new Map<string, string>();

function emptyData(): Data {
  return { schemas: new Map(), users: new Map(), definers: [], entries: [] };
}

function copyOf(data: Data): Data {
  return structuredClone(data);
}

function newUser(password: string | undefined, needsTls: boolean): User {
  return { password, needsTls, isLocked: false, maxConnections: 0, grants: new Map() };
}

function accountOf(users: Map<string, User>, key: string): User {
  const user = users.get(key);
  if (user === undefined) throw new SqlError(1396, `Operation failed for ${key}`);
  return user;
}

function variableRows(variables: ReadonlyMap<string, string>): Row[] {
  return [...variables].map(([name, value]) => ({ VARIABLE_NAME: name, VARIABLE_VALUE: value }));
}

/** Statements end with `;` at the end of a line or of the text, outside of literals. */
function statementsIn(text: string): string[] {
  const parts = text.match(/(?:'(?:[^'\\]|\\[\s\S])*'|[^;'])+/g) ?? [];
  return parts.map((part) => part.trim()).filter((part) => part !== "");
}
