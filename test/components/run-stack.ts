/** The stack's own program, without an engine. */
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Endpoints } from "../../components/endpoints";
import { mockPulumi, resolved, settle } from "./mocks";

/** Under the stand-ins of the plugins, with these settings. Once in a process, as a program runs once. */
export async function runStack(config: Readonly<Record<string, unknown>>) {
  const home = mkdtempSync(join(tmpdir(), "pulumi-home-"));
  writeFileSync(join(home, "stand-ins.json"), "{}");
  process.env.PULUMI_HOME = home;
  const world = await mockPulumi({ config });
  const { endpoints, sshKeys } = await import("../../index");
  await settle();
  const told: Endpoints = await resolved(endpoints);
  return { world, told, keys: await resolved(sshKeys) };
}

/** A secret stands in its envelope. */
export function plain(value: unknown) {
  return Object(value).value ?? value;
}
