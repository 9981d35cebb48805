/** A `mysql` client on a member of the database: which member, and as whom. */
import { text } from "node:stream/consumers";
import { type LiveCommandArgs, startLiveCommand } from "../../provider/ssh/live-command";
import { UsageError } from "../command-line";
import { type EndpointHost, serviceOf } from "../verify/endpoints";
import { askMembers, type MemberState } from "../verify/mysql";
import type { StackOutputs } from "../verify/outputs";
import { reached } from "../verify/site";
import { hostsServing, onFirstThatAnswers } from "./hosts";
import { inApplication } from "./in-application";

export interface Wish {
  readonly writes: boolean;
  /** Default: any that fits. */
  readonly host: string | undefined;
}

/**
 * Who is what, the servers say. For reading it is one that is `super_read_only`, and the account has not the right to end
 * that. `warning` tells where only the session is read-only, and where what is read may be old.
 */
export function chooseMember(
  members: readonly MemberState[],
  { writes, host: name }: Wish,
): { readonly member: MemberState; readonly warning?: string } {
  const primaries = members.filter(({ isPrimary }) => isPrimary);
  const [primary] = primaries;
  const isNamed = ({ host }: MemberState) => name === undefined || host.name === name;
  if (writes) {
    if (primary === undefined) throw new Error("no member takes writes: npm run verify tells more");
    if (primaries.length > 1) {
      const names = primaries.map(({ host }) => host.name).join(" and ");
      throw new Error(`${names} take writes: npm run verify tells more`);
    }
    if (isNamed(primary)) return { member: primary };
    throw new UsageError(`${name}: it is not the primary: ${primary.host.name} is`);
  }
  const able = members.filter(isNamed);
  const closed = able.filter(({ isClosed }) => isClosed);
  const replica = closed.find(({ isFollowing }) => isFollowing) ?? closed[0];
  if (replica?.isFollowing) return { member: replica };
  if (replica !== undefined) {
    const warning = `${replica.host.name}: it receives nothing at the moment: what it shows may be old`;
    return { member: replica, warning };
  }
  const [named] = able;
  if (named === undefined || name === undefined) {
    const reads = "reads on the primary, where only the session is read-only";
    const way = primary === undefined ? "" : `: --host ${primary.host.name} ${reads}`;
    throw new Error(`no replica answers${way}; npm run verify tells what is wrong with the others`);
  }
  const warning = `${name}: it takes writes: only this session's transaction_read_only refuses them`;
  return { member: named, warning };
}

/** Asks all members, and names those that do not answer. */
export async function knownMembers(
  site: Parameters<typeof askMembers>[0],
  tell: (message: string) => void,
): Promise<readonly MemberState[]> {
  const asked = await askMembers(site);
  return asked.flatMap((one) => {
    if (!(one instanceof Error)) return [one];
    tell(one.message);
    return [];
  });
}

export interface Account {
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

/** As the application is told it, by systemd on the first web server that answers. */
export async function accountOf(
  { endpoints, privateKeys }: StackOutputs,
  tell: (message: string) => void,
): Promise<Account> {
  const names = ["DATABASE_USER", "DATABASE_PASSWORD", "DATABASE_NAME"];
  const script = names.map((name) => `printf '%s\\0' "$${name}"`).join("; ");
  const hosts = hostsServing(endpoints, "application", undefined);
  return onFirstThatAnswers({ hosts, tell }, async (host) => {
    const unit = serviceOf(host, "application")?.unit ?? "";
    const args = inApplication({ unit, command: ["sh", "-c", script] });
    const command = await startLiveCommand(reached(host, privateKeys), args);
    command.stdin.end();
    const [said, errors] = await Promise.all([text(command.stdout), text(command.stderr)]);
    const end = await command.end;
    const [user = "", password = "", database = "", rest] = said.split("\0");
    if (end.ended !== "by itself" || end.status !== 0 || rest === undefined || user === "") {
      const why = errors.trim().split("\n").at(-1) || "they are empty";
      throw new Error(`${host.name}: the application's ${names.join(", ")} are not known: ${why}`);
    }
    return { user, password, database };
  });
}

export interface Client extends Account {
  readonly host: EndpointHost;
  readonly socket: string;
  readonly writes: boolean;
  /** Statements, after which it ends. Default: those of standard input. */
  readonly sql?: string | undefined;
  readonly terminal?: LiveCommandArgs["terminal"];
  /** Whether a result is drawn as a table, where the client is on no terminal. */
  readonly drawsTables: boolean;
}

export function mysqlClient(client: Client): LiveCommandArgs {
  const { sql = "", terminal, drawsTables } = client;
  return {
    program,
    words: drawsTables ? ["--table"] : [],
    secret: `${renderOptionFile(client)}\0${sql}`,
    ...(terminal && { terminal }),
  };
}

/** Every connection of the client begins read-only, one that it makes anew as well. */
function renderOptionFile({ user, password, database, socket, writes, host }: Client): string {
  const lines = {
    "[client]": { user, password, socket, protocol: "socket", "default-character-set": "utf8mb4" },
    "[mysql]": {
      database,
      prompt: `${host.name} ${writes ? "(writes)" : "(reads)"} \\d> `,
      ...(!writes && { "init-command": "SET SESSION transaction_read_only = ON" }),
    },
  };
  return Object.entries(lines)
    .map(([group, options]) => `${group}\n${Object.entries(options).map(renderOption).join("")}`)
    .join("");
}

/** Within double quotes MySQL's option files know a backslash's escapes, and nothing else. */
function renderOption([name, value]: readonly [string, string]): string {
  return `${name}="${value.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"\n`;
}

/** What holds the password has no name: a file in memory that is open in the client alone. */
const program = String.raw`
my ($options, $sql) = split /\0/, secret(), 2;
$^F = 255;
sub nameless {
  my $path = sprintf "/run/trilithon-db-%d-%d", $$, rand 1e9;
  umask 077;
  require Fcntl;
  sysopen my $file, $path, Fcntl::O_RDWR() | Fcntl::O_CREAT() | Fcntl::O_EXCL() or die "$path: $!\n";
  unlink $path;
  syswrite $file, $_[0];
  sysseek $file, 0, 0;
  return $file;
}
my $file = nameless($options);
if ($sql ne "") { open STDIN, "<&", nameless($sql) or die "standard input: $!\n" }
# Nothing of root's own, and nothing is left of what is typed.
$ENV{MYSQL_TEST_LOGIN_FILE} = $ENV{MYSQL_HISTFILE} = "/dev/null";
exec "mysql", "--defaults-file=/dev/fd/" . fileno $file, @ARGV or die "mysql: $!\n";
`;
