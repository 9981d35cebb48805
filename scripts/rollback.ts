/** `npm run rollback`: takes the web servers, one after the other, to a version that is on them. */
import { createInterface } from "node:readline/promises";
import { readCommandLine, UsageError } from "./command-line";
import { saying } from "./maintenance/options";
import { applicationNamed, ofApplication, tellAway } from "./operate/hosts";
import { rollBack } from "./operate/rollback";
import { type RollbackPlan, renderRollbackPlan } from "./operate/rollback-plan";
import { runMain } from "./setup/say";
import { readOutputs, type StackOutputs } from "./verify/outputs";

const name = "npm run rollback --";

runMain(async () => {
  const line = readCommandLine({
    name,
    words: "[APP] [VERSION]",
    about:
      "Takes one web server after the other to a version that is on it: drained, restarted, healthy, as a release goes. VERSION: default\n" +
      "the one before. Stops at the first host that does not become healthy, which keeps what it had. Needs no settings; the next `up`\n" +
      "says that it releases the settings' version again.",
    options: {
      host: { type: "string", value: "HOST", about: "this web server only (default: all)" },
      yes: { type: "boolean", about: "do not ask" },
    },
  });
  if (line === undefined) return 0;
  const { host, yes } = line.values;
  const all = await readOutputs(line.stack);
  const { application, version } = chosen(all, line.rest);
  const outputs = ofApplication(all, application);
  if (host === undefined) tellAway(outputs.endpoints);
  const isAgreed = async (plan: RollbackPlan) => {
    process.stdout.write(renderRollbackPlan(plan));
    return yes || plan.turns.length === 0 || ask(plan);
  };
  return (await rollBack(outputs, { version, host, isAgreed, say: saying })) ? 0 : 1;
});

interface Chosen {
  readonly application: string | undefined;
  readonly version: string | undefined;
}

function chosen({ endpoints }: StackOutputs, words: readonly string[]): Chosen {
  const [first, second, ...more] = words;
  if (more.length > 0) {
    throw new UsageError(`expected [APP] [VERSION], got ${words.join(" ")}: see ${name} --help`);
  }
  if (first === undefined || applicationNamed(endpoints, first)) {
    return { application: first, version: second };
  }
  if (second !== undefined) throw new UsageError(`${first}: no application of this stack`);
  return { application: undefined, version: first };
}

async function ask({ version }: RollbackPlan): Promise<boolean> {
  if (!process.stdin.isTTY) throw new Error("no terminal to ask on: add --yes");
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question(`Roll back to ${version}? (yes/no) `);
  terminal.close();
  return /^y(es)?$/i.test(answer.trim());
}
