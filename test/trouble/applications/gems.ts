/** Gems for hosts that reach no registry of them: in `vendor/cache`, as `bundle cache` makes it. */
import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { must } from "../../../scripts/setup/run";

/** A Ruby with its bundler, in containers. */
export interface Ruby {
  readonly image: string;
  /** What it sees of this machine. Gems are installed in it. */
  readonly folder: string;
}

/** `base` is the image of the hosts. */
export async function rubyFor(base: string, folder: string): Promise<Ruby> {
  const image = "trilithon-gems";
  const recipe = join(__dirname, "gems");
  await must("docker build", "docker", [
    ...["build", "--quiet", "--build-arg", `BASE=${base}`, "--tag", image, recipe],
  ]);
  return { image, folder };
}

/** Makes the lock file and `vendor/cache` of an application. */
export async function vendorGems(ruby: Ruby, application: string): Promise<void> {
  const [program, ...words] = run(ruby, application);
  await must("bundle", program, [...words, ruby.image, "ruby", "/vendor.rb"]);
}

/** A folder with a program `ruby`, for this machine's `PATH`. */
export async function rubyProgram(ruby: Ruby): Promise<string> {
  const programs = join(ruby.folder, "programs");
  await mkdir(programs);
  const file = join(programs, "ruby");
  const variables = ["-e", "RAILS_ENV", "-e", "SECRET_KEY_BASE_DUMMY"];
  const words = [...run(ruby, '"$PWD"'), ...variables, ruby.image, "ruby"];
  await writeFile(file, `#!/bin/sh\nexec ${words.join(" ")} "$@"\n`);
  await chmod(file, 0o755);
  return programs;
}

function run({ folder }: Ruby, at: string): [string, ...string[]] {
  const bundle = `BUNDLE_PATH=${folder}/bundle`;
  return ["docker", "run", "--rm", "-v", `${folder}:${folder}`, "-w", at, "-e", bundle];
}
