/** Brings a machine to where `pulumi up` works; quick where all is there. */
import { prepareImage, type Suite } from "./base-image";
import { prepareEngine, useEngineContext } from "./engine";
import { buildPlugins } from "./plugin-bundles";
import { prepareCli } from "./pulumi-cli";
import { preparePlugins } from "./pulumi-plugins";
import { say } from "./say";

/** All that Pulumi and container hosts of these suites need, one line each. */
export async function setUp(suites: readonly Suite[] = ["sid"]): Promise<void> {
  say("Docker engine", await prepareEngine());
  await all([
    ...suites.map((suite) => prepareImage(suite).then((image) => say("base image", image))),
    setUpPulumi().then(({ cli, plugins }) => {
      say("Pulumi CLI", cli);
      say("Pulumi plugins", plugins);
    }),
  ]);
}

/** All that Pulumi needs; says only what takes long. */
export async function setUpPulumi(): Promise<{ readonly cli: string; readonly plugins: string }> {
  const [cli] = await all([prepareCli(), buildPlugins(), useEngineContext()]);
  return { cli, plugins: await preparePlugins() };
}

/** Lets each finish, so that none is cut off by another's failure, and then tells all failures. */
async function all<const Work extends readonly Promise<unknown>[]>(work: Work) {
  const failures: string[] = [];
  const note = (error: unknown) => {
    failures.push(error instanceof Error ? error.message : String(error));
  };
  await Promise.all(work.map((part) => part.catch(note)));
  if (failures.length > 0) throw new Error(failures.join("\n"));
  return Promise.all(work);
}
