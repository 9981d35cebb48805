/** The Docker engine on which the container hosts run: the one that answers, else one installed and started. */

import { spawn } from "node:child_process";
import { existsSync, openSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { canInstallPackages, installPackages } from "./debian";
import { localFolder } from "./environment";
import { capture, must } from "./run";
import { say } from "./say";

const startDeadlineSeconds = 60;

export async function prepareEngine(): Promise<string> {
  return `${(await engineVersion()) ?? (await bringUpEngine())} answers`;
}

/** Pulumi's plugins know no Docker contexts, by which Docker Desktop and others are reached: they get its address. */
export async function useEngineContext(): Promise<void> {
  if (process.env.DOCKER_HOST) return;
  const format = ["--format", "{{.Endpoints.docker.Host}}"];
  const { status, stdout } = await capture("docker", ["context", "inspect", ...format]);
  const address = stdout.trim();
  if (status === 0 && address && address !== defaultAddress) process.env.DOCKER_HOST = address;
}

const defaultAddress = "unix:///var/run/docker.sock";

async function bringUpEngine(): Promise<string> {
  if (!canInstallPackages()) {
    throw new Error(
      "Docker engine: none answers `docker info`; start it, or install Docker Desktop, Docker Engine " +
        "(https://docs.docker.com/engine/install/) or a compatible one, so that `docker info` works as this user",
    );
  }
  if (!(await hasProgram("dockerd"))) await installPackages(["docker.io", "iptables"]);
  if (!(await hasProgram("docker"))) await installPackages(["docker-cli"]);
  const log = await startEngine();
  const deadline = Date.now() + startDeadlineSeconds * 1000;
  while (Date.now() < deadline) {
    const version = await engineVersion();
    if (version) return version;
    await sleep(500);
  }
  throw new Error(
    `Docker engine: did not answer within ${startDeadlineSeconds} s of its start; see ${log}`,
  );
}

/** Answers where its log is. */
async function startEngine(): Promise<string> {
  if (existsSync("/run/systemd/system")) {
    say("Docker engine", "starting docker.service");
    await must("Docker engine", "systemctl", ["start", "docker.service"]);
    return "`journalctl -u docker`";
  }
  const log = join(localFolder, "dockerd.log");
  say("Docker engine", `starting dockerd, which logs to ${log}`);
  await mkdir(localFolder, { recursive: true });
  const output = openSync(log, "a");
  spawn("dockerd", [], { detached: true, cwd: "/", stdio: ["ignore", output, output] }).unref();
  return log;
}

async function engineVersion(): Promise<string | undefined> {
  const { status, stdout } = await capture("docker", ["info", "--format", "{{.ServerVersion}}"], {
    deadlineSeconds: 20,
  });
  return status === 0 && stdout.trim() ? stdout.trim() : undefined;
}

async function hasProgram(name: string): Promise<boolean> {
  return (await capture(name, ["--version"])).status !== 127;
}
