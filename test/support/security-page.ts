/** The tables of docs/security.md: what is open on the hosts of the stacks that come with the sources, as their components declare it. */
import { readFileSync, writeFileSync } from "node:fs";
import type { ExecutionContext } from "ava";
import { CORE_SCHEMA, load } from "js-yaml";
import type { Listen } from "../../components/listens";
import { runStack } from "../components/run-stack";

export const securityPage = "docs/security.md";

/** Once in a process, as a program runs once. `UPDATE_GOLDEN=1` writes the table. */
export async function hasOpenPortsOf(t: ExecutionContext, stack: string): Promise<void> {
  const { told } = await runStack(settingsOf(stack));
  const text = readFileSync(securityPage, "utf8");
  const begin = `<!-- open on ${stack}, by npm run docs -->\n`;
  const [before = "", rest = ""] = text.split(begin);
  const end = rest.indexOf("<!-- end -->");
  t.true(end >= 0, `${securityPage} has ${begin}`);
  const page = `${before}${begin}${renderOpen(told.listens)}${rest.slice(end)}`;
  if (process.env.UPDATE_GOLDEN) writeFileSync(securityPage, page);
  t.is(process.env.UPDATE_GOLDEN ? page : text, page, "`npm run docs` writes it");
}

/** Without what needs the machine that it runs on. */
function settingsOf(stack: string): Readonly<Record<string, unknown>> {
  const { config } = load(readFileSync(`Pulumi.${stack}.yaml`, "utf8"), {
    schema: CORE_SCHEMA,
  }) as {
    readonly config: Readonly<Record<string, object>>;
  };
  const settings = Object.entries(config).map(([name, value]) => [name.split(":")[1], value]);
  const { containers, application, ...others } = Object.fromEntries(settings);
  return {
    ...others,
    containers: { ...containers, cgroupPath: "/sys/fs/cgroup", mtu: 1400 },
    application: { ...application, source: "./app", build: undefined },
  };
}

function renderOpen(listens: readonly Listen[]): string {
  const rows = listens
    .map((listen) => ({ listen, isInside: audienceOf(listen) === inside }))
    .sort(
      (a, b) =>
        a.listen.host.localeCompare(b.listen.host) || Number(a.isInside) - Number(b.isInside),
    )
    .map(({ listen }) => renderRow(listen));
  return `| Host | What | At | For |\n|---|---|---|---|\n${rows.join("\n")}\n`;
}

function renderRow(listen: Listen): string {
  const { host, what, protocol, address, port } = listen;
  const place = port === undefined ? address : `${address}:${port}`;
  const at = protocol === "tcp" ? place : `${place}, ${protocol.toUpperCase()}`;
  return `| ${host} | ${what} | ${at} | ${audienceOf(listen)} |`;
}

const inside = "its own host";

function audienceOf({ for: { anyone, operators, hosts = [] } }: Listen): string {
  const all = [...(anyone ? ["**anyone**"] : []), ...(operators ? ["operators"] : []), ...hosts];
  return all.length === 0 ? inside : all.join(", ");
}
