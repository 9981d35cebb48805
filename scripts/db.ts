/** `npm run db`: a `mysql` client as the application, which reads on a replica unless it is to write. */
import { startLiveCommand } from "../provider/ssh/live-command";
import { readCommandLine, UsageError } from "./command-line";
import { attach, ownTerminal, statusOf } from "./operate/attach";
import { accountOf, chooseMember, knownMembers, mysqlClient } from "./operate/database";
import { applicationOption, hostsServing, ofApplication } from "./operate/hosts";
import { runMain } from "./setup/say";
import { readOutputs } from "./verify/outputs";
import { reached, withSite } from "./verify/site";

/** A host may be asked for two things, and is named once. */
const told = new Set<string>();
const tell = (message: string) => {
  if (!told.has(message)) process.stderr.write(`${message}\n`);
  told.add(message);
};

runMain(async () => {
  const line = readCommandLine({
    name: "npm run db --",
    rest: "[--] [SQL...]",
    about:
      "Opens a mysql client on the application's database, with its account: on a replica, where nothing can be written, or with\n" +
      "--write on the primary. With SQL, or with standard input that is no terminal, it prints the result and ends.",
    options: {
      write: { type: "boolean", about: "on the primary, with all rights of the application" },
      host: { type: "string", value: "HOST", about: "this member of the database" },
      ...applicationOption,
    },
  });
  if (line === undefined) return 0;
  const outputs = ofApplication(await readOutputs(line.stack), line.values.application);
  const { endpoints, privateKeys } = outputs;
  const { write: writes, host } = line.values;
  if (endpoints.database === undefined) {
    throw new UsageError(`stack ${endpoints.stack}: it has no database`);
  }
  hostsServing(endpoints, "database", host);
  const [account, members] = await Promise.all([
    accountOf(outputs, tell),
    withSite(outputs, "asking MySQL", (site) => knownMembers(site, tell)),
  ]);
  const { member, warning } = chooseMember(members, { writes, host });
  if (warning !== undefined) tell(warning);
  const sql = line.rest.length > 0 ? line.rest.join(" ") : undefined;
  const terminal = sql === undefined ? ownTerminal() : undefined;
  const drawsTables = sql !== undefined && process.stdout.isTTY === true;
  const client = mysqlClient({ ...account, ...member, writes, sql, terminal, drawsTables });
  return statusOf(async () => {
    const command = await startLiveCommand(reached(member.host, privateKeys), client);
    return attach(member.host.name, command, terminal);
  }, tell);
});
