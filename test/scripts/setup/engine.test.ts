import { chmodSync, existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import test from "ava";
import { canInstallPackages } from "../../../scripts/setup/debian";
import { prepareEngine, useEngineContext } from "../../../scripts/setup/engine";

const originalPath = process.env.PATH;

test.afterEach(() => {
  process.env.PATH = originalPath;
});

test.serial("an engine that answers is used as it is", async (t) => {
  usePrograms({ docker: "echo 29.0", dockerd: "exit 1" });
  t.is(await prepareEngine(), "29.0 answers");
});

test.serial("one that is installed but not running is started", async (t) => {
  if (!canInstallPackages() || existsSync("/run/systemd/system")) return t.pass();
  const folder = usePrograms({
    docker: '[ "$1" = --version ] || { [ -e "$(dirname "$0")/started" ] && echo 29.0; }',
    dockerd: '[ "$1" = --version ] || : > "$(dirname "$0")/started"',
  });
  t.is(await prepareEngine(), "29.0 answers");
  t.true(existsSync(join(folder, "started")));
});

test.serial("one that is missing is installed and started", async (t) => {
  if (!canInstallPackages() || existsSync("/run/systemd/system")) return t.pass();
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's own
  const here = '"${0%/*}"';
  const folder = usePrograms({
    "apt-get": `echo "$@" >> ${here}/apt-calls
      case "$*" in *install*) /bin/mv ${here}/new-docker ${here}/docker; /bin/mv ${here}/new-dockerd ${here}/dockerd;; esac`,
    "new-docker": `[ "$1" = --version ] || { [ -e ${here}/started ] && echo 29.0; }`,
    "new-dockerd": `[ "$1" = --version ] || : > ${here}/started`,
  });
  process.env.PATH = folder;
  t.is(await prepareEngine(), "29.0 answers");
  t.regex(
    readFileSync(join(folder, "apt-calls"), "utf8"),
    /update\n.* install .*docker\.io iptables\n$/,
  );
});

test.serial("the address of another Docker context is handed on", async (t) => {
  const former = process.env.DOCKER_HOST;
  delete process.env.DOCKER_HOST;
  usePrograms({ docker: "echo unix:///home/me/engine.sock" });
  await useEngineContext();
  t.is(address(), "unix:///home/me/engine.sock");
  delete process.env.DOCKER_HOST;
  usePrograms({ docker: "echo unix:///var/run/docker.sock" });
  await useEngineContext();
  t.is(address(), undefined);
  if (former) process.env.DOCKER_HOST = former;
});

function address(): string | undefined {
  return process.env.DOCKER_HOST;
}

function usePrograms(scripts: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), "programs-"));
  for (const [name, script] of Object.entries(scripts)) {
    writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(folder, name), 0o755);
  }
  process.env.PATH = [folder, originalPath].join(delimiter);
  return folder;
}
