/** Builds Pulumi's CLI and Node language host where only package registries can be reached. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { canInstallPackages, installPackages } from "./debian";
import { capture, must } from "./run";
import { cliVersion } from "./versions";

/** What the CLI's module asks for. */
const oldestGo = [1, 25] as const;

/** Since this version Go fetches a newer toolchain by itself. */
const selfUpdatingGo = [1, 21] as const;

/** The last version of the module that still contains the language host; it runs today's programs. */
const languageHostVersion = "3.68.0";

const versionVariable = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version";

export async function buildFromGoModules(folder: string): Promise<boolean> {
  await requireGo();
  const work = await mkdtemp(join(tmpdir(), "trilithon-go-"));
  try {
    await buildModule(join(work, "cli"), {
      requires: ["github.com/pulumi/pulumi/pkg/v3", "github.com/pulumi/pulumi/sdk/v3"],
      version: cliVersion,
      target: "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
      executable: join(folder, "pulumi"),
    });
    await buildModule(join(work, "host"), {
      requires: ["github.com/pulumi/pulumi/sdk/v3"],
      version: languageHostVersion,
      target: "github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs",
      executable: join(folder, "pulumi-language-nodejs"),
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return true;
}

interface Build {
  readonly requires: readonly string[];
  readonly version: string;
  readonly target: string;
  readonly executable: string;
}

async function buildModule(folder: string, { requires, version, target, executable }: Build) {
  await mkdir(folder);
  const requirements = requires.map((module) => `require ${module} v${version}`).join("\n");
  await writeFile(
    join(folder, "go.mod"),
    `module trilithon.local/build\ngo 1.25\n${requirements}\n`,
  );
  await must(
    `Pulumi: building ${target}`,
    "go",
    [
      ...["build", "-tags", "osusergo,grpcnotrace"],
      ...["-ldflags", `-s -w -X ${versionVariable}=v${version}`],
      ...["-o", executable, target],
    ],
    {
      cwd: folder,
      env: {
        ...process.env,
        GOFLAGS: "-mod=mod",
        CGO_ENABLED: "0",
        GOTOOLCHAIN: await toolchain(),
      },
    },
  );
}

async function requireGo(): Promise<void> {
  const found = await goVersion();
  if (found && isAtLeast(found, selfUpdatingGo)) return;
  if (!found && canInstallPackages()) await installPackages(["golang-go"]);
  const installed = await goVersion();
  if (installed && isAtLeast(installed, selfUpdatingGo)) return;
  throw new Error(
    `Pulumi CLI: cannot be downloaded; to build it, install Go ${oldestGo.join(".")} or later, ` +
      `or put the Pulumi CLI v${cliVersion} on PATH (https://www.pulumi.com/docs/iac/download-install/)`,
  );
}

async function toolchain(): Promise<string> {
  const found = await goVersion();
  return found && isAtLeast(found, oldestGo) ? "local" : "auto";
}

async function goVersion(): Promise<readonly number[] | undefined> {
  const { stdout } = await capture("go", ["env", "GOVERSION"], {
    env: { ...process.env, GOTOOLCHAIN: "local" },
  });
  return /^go(\d+)\.(\d+)/.exec(stdout)?.slice(1).map(Number);
}

function isAtLeast([major = 0, minor = 0]: readonly number[], oldest: readonly [number, number]) {
  return major > oldest[0] || (major === oldest[0] && minor >= oldest[1]);
}
