/** What listens on a host is what the stack's components declare, and nothing else. */
import { type Check, type Finding, failed, passed, type Site, wait } from "../check";
import { type EndpointHost, type Endpoints, type Listen, startCommand } from "../endpoints";
import { describeSocket, type ListeningSocket, parseSockets, socketsScript } from "../sockets";

export function listensChecks(endpoints: Endpoints): readonly Check[] {
  const { hosts, stack, areContainers } = endpoints;
  return hosts.flatMap((host) =>
    host.listens.length === 0 ? [] : [listensCheck(host, { stack, areContainers })],
  );
}

type Of = Pick<Endpoints, "stack" | "areContainers">;

/** Its name does not begin with the host's: what listens besides is no reason to leave a drained host out of service. */
function listensCheck(host: EndpointHost, of: Of): Check {
  return {
    name: `what listens on ${host.name} is declared`,
    expected: of.areContainers
      ? "what is declared listens, and nothing else does"
      : "what is declared listens",
    remedy: "what each line says",
    deadlineSeconds: 25,
    run: async (site) => judgeListens(host, await lastingDifference(site, host), of),
  };
}

export interface Difference {
  /** How many are declared. */
  readonly declared: number;
  /** Declared, and nothing listens there. */
  readonly missing: readonly Listen[];
  /** Declared, and another unit listens there. */
  readonly taken: readonly { readonly listen: Listen; readonly socket: ListeningSocket }[];
  readonly undeclared: readonly ListeningSocket[];
}

/** A process that just restarts listens a moment later, and the open socket of a client is gone. */
async function lastingDifference(site: Site, host: EndpointHost): Promise<Difference> {
  const look = async () => compareListens(host.listens, parseSockets(await ask(site, host)));
  const first = await look();
  if (first.missing.length + first.taken.length + first.undeclared.length === 0) return first;
  await wait(secondsBetween);
  return inBoth(first, await look());
}

const secondsBetween = 2;

export function inBoth(first: Difference, second: Difference): Difference {
  const wasMissing = first.missing.map(describeSocket);
  const wasTaken = first.taken.map(({ socket }) => describeSocket(socket));
  const wasUndeclared = first.undeclared.map(describeSocket);
  return {
    declared: second.declared,
    missing: second.missing.filter((listen) => wasMissing.includes(describeSocket(listen))),
    taken: second.taken.filter(({ socket }) => wasTaken.includes(describeSocket(socket))),
    undeclared: second.undeclared.filter((one) => wasUndeclared.includes(describeSocket(one))),
  };
}

function ask(site: Site, host: EndpointHost): Promise<string> {
  return site.run(host, socketsScript, 10);
}

export function compareListens(
  listens: readonly Listen[],
  sockets: readonly ListeningSocket[],
): Difference {
  const ours = sockets.filter((socket) => !isOfEngine(socket));
  const found = listens.map((listen) => ({
    listen,
    socket: ours.find((socket) => isAt(listen, socket)),
  }));
  return {
    declared: listens.length,
    // One that listens more widely than it is declared does listen.
    missing: found.flatMap(({ listen, socket }) =>
      socket === undefined && !ours.some((one) => includes(one, listen)) ? [listen] : [],
    ),
    taken: found.flatMap(({ listen, socket }) =>
      socket !== undefined && isOfAnother(listen, socket) ? [{ listen, socket }] : [],
    ),
    undeclared: ours.filter((socket) => !listens.some((listen) => isAt(listen, socket))),
  };
}

/** Docker answers for names in each container's network, at ports that change: nothing inside has it open. */
function isOfEngine({ address, units }: ListeningSocket): boolean {
  return address === "127.0.0.11" && units.length === 0;
}

/** What is declared at all addresses may have a socket for each sort of them, or for some of them. */
function isAt({ protocol, address, port }: Listen, socket: ListeningSocket): boolean {
  if (socket.protocol !== protocol || socket.port !== port) return false;
  // keepalived sends by a socket of its own, which is bound to no address and hears nothing.
  if (protocol === "vrrp" && socket.address === "0.0.0.0") return true;
  return address === "*" || socket.address === address;
}

function includes({ protocol, address, port }: ListeningSocket, listen: Listen): boolean {
  const all = listen.address.startsWith("[") ? ["[::]", "*"] : ["0.0.0.0", "*"];
  return all.includes(address) && protocol === listen.protocol && port === listen.port;
}

function isOfAnother({ unit }: Listen, { units }: ListeningSocket): boolean {
  return unit !== undefined && units.length > 0 && !units.includes(unit);
}

/** On a machine that was there before, what else listens is told and is no failure: others may have put it there. */
export function judgeListens(
  { name }: Pick<EndpointHost, "name">,
  { declared, missing, taken, undeclared }: Difference,
  { stack, areContainers }: Of,
): Finding {
  // How an existing machine's own sshd listens is not ours to know: it was reached.
  const lacking = missing.filter(({ unit }) => unit !== undefined);
  const lines = [
    ...lacking.map((listen) => describeMissing(name, listen, stack)),
    ...taken.map(({ listen, socket }) => describeTaken(name, listen, socket, stack)),
    ...undeclared.map((socket) => describeUndeclared(name, socket, areContainers)),
  ];
  const seen = [
    `${declared - lacking.length - taken.length} of ${declared} as declared`,
    ...(undeclared.length > 0 ? [`${undeclared.length} not declared`] : []),
  ].join(", ");
  const isGood = lacking.length + taken.length + (areContainers ? undeclared.length : 0) === 0;
  return { ...(isGood ? passed(seen) : failed(seen)), ...(lines.length > 0 && { lines }) };
}

function describeMissing(name: string, listen: Listen, stack: string): string {
  const { what, unit = "" } = listen;
  return `${name}: ${describeSocket(listen)}: nothing listens, declared is ${unit} (${what}): journalctl -u ${unit} says why, ${startCommand(stack)} brings it back`;
}

function describeTaken(
  name: string,
  listen: Listen,
  socket: ListeningSocket,
  stack: string,
): string {
  const { what, unit = "" } = listen;
  return `${name}: ${describeSocket(socket)}: ${describeProcess(socket)} listens, declared is ${unit} (${what}): stop that, then ${startCommand(stack)}`;
}

function describeUndeclared(name: string, socket: ListeningSocket, areContainers: boolean): string {
  const todo = areContainers
    ? "stop it, or take out the setting that opens it (rawLines, say)"
    : "nothing of the stack's; if nobody needs it, stop it";
  return `${name}: ${describeSocket(socket)}: ${describeProcess(socket)} listens, and nothing declares it: ${todo}`;
}

/** `nginx.service (nginx, process 12)` */
function describeProcess({ units: [unit = "no unit that is known"], processes }: ListeningSocket) {
  const [process] = processes;
  return process === undefined ? unit : `${unit} (${process})`;
}
