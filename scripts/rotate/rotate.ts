/** Changes the settings of a stack so that its next `up` makes secrets anew. */
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { renderNextHostKey } from "../../provider/ssh/host-key";
import { makeKeyPair, publicKeyOf } from "../../provider/ssh/key-pair";
import type { StackPlace } from "../setup/environment";
import { capturePulumi } from "../setup/stack";
import { readSettings, settingsFile } from "../setup/stack-place";
import { readOutputs } from "../verify/outputs";
import { withSite } from "../verify/site";
import { changeOf, parseSettings, type Rotation, withRoomForKeeper } from "./keepers";

/** Answers the settings that were changed. Where it is killed, it can be run again: no secret is made anew before `up`. */
export async function rotate(
  place: StackPlace,
  chosen: readonly Rotation[],
  keeper: string,
): Promise<readonly string[]> {
  const text = readSettings(place);
  if (text === undefined) throw new Error(`stack ${place.stack}: no ${settingsFile(place)}`);
  const settings = parseSettings(text);
  // What cannot be rotated is told before anything is changed.
  const changes = chosen.map((rotation) => changeOf(rotation, settings));
  const changed: string[] = [];
  for (const change of changes) {
    if ("keys" in change) {
      const isOfHosts = change.keys === "hostKeys";
      changed.push(...(await (isOfHosts ? rotateHostKeys(place) : rotatePrivateKey(place))));
    } else for (const path of change.keepers) changed.push(await setKeeper(place, path, keeper));
  }
  return changed;
}

async function setKeeper(place: StackPlace, path: string, keeper: string): Promise<string> {
  if (path.startsWith("trilithon:https.")) makeRoom(place);
  await config(place, ["set", "--plaintext", "--path", path, keeper]);
  return path;
}

function makeRoom(place: StackPlace): void {
  const before = readSettings(place) ?? "";
  const after = withRoomForKeeper(before);
  if (after === before) return;
  const file = join(place.project, settingsFile(place));
  writeFileSync(`${file}.new`, after);
  renameSync(`${file}.new`, file);
}

/** The former key is named first: killed in between, the settings are refused until this was run again. */
async function rotatePrivateKey(place: StackPlace): Promise<readonly string[]> {
  const former = publicKeyOf(await config(place, ["get", "trilithon:privateKey"]));
  const retired = await retiredKeys(place);
  if (!retired.includes(former)) {
    const path = `trilithon:retiredKeys[${retired.length}]`;
    await config(place, ["set", "--plaintext", "--path", path, former]);
  }
  await config(place, ["set", "--secret", "trilithon:privateKey"], makeKeyPair().private);
  return ["trilithon:retiredKeys", "trilithon:privateKey"];
}

/** Each machine makes its own, which waits there for the next `up`. */
async function rotateHostKeys(place: StackPlace): Promise<readonly string[]> {
  const outputs = await readOutputs(place.stack, place);
  const { "trilithon:hosts": hosts } = parseSettings(readSettings(place) ?? "");
  return withSite(outputs, "making a host key", async (site) => {
    const made = await Promise.all(
      outputs.endpoints.hosts.map(async (host) => {
        const hostKey = (await site.run(host, renderNextHostKey().text, 60)).trim();
        return { index: hosts.findIndex(({ name }) => name === host.name), hostKey };
      }),
    );
    const paths: string[] = [];
    for (const { index, hostKey } of made) {
      const path = `trilithon:hosts[${index}].hostKey`;
      if (index >= 0) await config(place, ["set", "--plaintext", "--path", path, hostKey]);
      if (index >= 0) paths.push(path);
    }
    return paths;
  });
}

async function retiredKeys(place: StackPlace): Promise<readonly string[]> {
  const { "trilithon:retiredKeys": given = [] } = parseSettings(readSettings(place) ?? "");
  return v.parse(v.array(v.string()), given);
}

async function config(place: StackPlace, args: readonly string[], input?: string) {
  const all = ["config", ...args, "--stack", place.stack, "--non-interactive", "--color=never"];
  const { status, stdout, stderr } = await capturePulumi(place, all, input);
  if (status === 0) return stdout;
  throw new Error(`stack ${place.stack}: pulumi config ${args.join(" ")}: ${stderr.trim()}`);
}
