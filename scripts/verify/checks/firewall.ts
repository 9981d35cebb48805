/** The firewall of each host lets in what is declared, and nothing else. */
import { sh } from "../../../provider/ssh/shell";
import { type Check, type Finding, failed, passed } from "../check";
import { type EndpointHost, type Endpoints, startCommand } from "../endpoints";

export function firewallChecks({
  stack,
  hosts,
  firewallCommand,
}: Pick<Endpoints, "stack" | "hosts" | "firewallCommand">): readonly Check[] {
  if (firewallCommand === undefined) return [];
  return hosts.map((host) => firewallCheck(host, firewallCommand, stack));
}

function firewallCheck({ name, ...host }: EndpointHost, command: string, stack: string): Check {
  const question = sh`${command} differs open; ${command} differs declared`;
  return {
    name: `${name}: its firewall lets in what is declared, and nothing else`,
    expected: "the rules that `up` loaded are in effect",
    remedy: `${startCommand(stack)} loads them again; what changed them: journalctl on ${name}`,
    deadlineSeconds: 25,
    run: async (site) => judgeFirewall(await site.run({ name, ...host }, question.text, 10)),
  };
}

/** A line for each rule that is missing, or is there besides. */
export function judgeFirewall(answer: string): Finding {
  const lines = answer.split("\n").filter((line) => line !== "");
  if (lines.length === 0) return passed("as loaded");
  return { ...failed(`${lines.length} differ`), lines };
}
