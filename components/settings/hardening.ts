/** What the settings of `hardening` must agree with: the stack itself has to get in. */
import { type Fault, unexpected } from "../expectation";
import { keywordOf } from "../render/sshd";
import { isRecord } from "../rule";

interface Reached {
  readonly path: string;
  readonly values: Readonly<Record<string, unknown>>;
}

export function checkHardening(
  { hardening, containers }: Readonly<Record<string, unknown>>,
  hosts: readonly Reached[],
): readonly Fault[] {
  if (!isRecord(hardening)) return [];
  return [
    ...checkNamed(hardening),
    ...checkLogin(hardening.sshd, hosts, containers !== undefined),
    ...checkServers(hardening.time),
  ];
}

function checkNamed(hardening: object): readonly Fault[] {
  if (Object.keys(hardening).length > 0) return [];
  const message =
    "expected sshd, kernel or time, got none of them: name what is wanted, or take it out";
  return [{ path: "hardening", message }];
}

/** Any other way to lock everybody out is taken back by the host: these are known before. */
function checkLogin(
  sshd: unknown,
  hosts: readonly Reached[],
  areContainers: boolean,
): readonly Fault[] {
  const rawLines = isRecord(sshd) && Array.isArray(sshd.rawLines) ? sshd.rawLines : [];
  const root = hosts.find(({ values: { user = "root" } }) => areContainers || user === "root");
  return rawLines.flatMap((line: unknown, index) => {
    if (typeof line !== "string") return [];
    const why = whyLockedOut(line, root?.path);
    if (why === undefined) return [];
    const path = `hardening.sshd.rawLines[${index}]`;
    return [{ path, message: unexpected("a line that lets the stack in", line, why) }];
  });
}

function whyLockedOut(line: string, root: string | undefined): string | undefined {
  const value = line
    .trim()
    .replace(/^[A-Za-z0-9]+[\s=]+/, "")
    .replace(/^"(.*)"$/, "$1")
    .toLowerCase();
  switch (keywordOf(line)) {
    case "pubkeyauthentication":
      return value === "no" ? "it logs in by a key" : undefined;
    case "permitrootlogin":
      return root !== undefined && ["no", "forced-commands-only"].includes(value)
        ? `it logs in as root (${root}.user)`
        : undefined;
    default:
      return undefined;
  }
}

function checkServers(time: unknown): readonly Fault[] {
  const servers = isRecord(time) && Array.isArray(time.servers) ? time.servers : [];
  return servers.flatMap((server: unknown, index) =>
    servers.indexOf(server) === index
      ? []
      : [
          {
            path: `hardening.time.servers[${index}]`,
            message: unexpected("a server that is named once", server),
          },
        ],
  );
}
