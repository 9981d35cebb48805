/** What is run once for each version of an application, before its hosts have it and afterwards. */
import type * as pulumi from "@pulumi/pulumi";
import * as v from "valibot";
import * as values from "../provider/schema/values";
import { type Fault, unexpected } from "./expectation";
import { type Host, isHere } from "./host";
import type { ProcessPlace } from "./process";
import { renderCommandUnit } from "./render/application-unit";
import { integerIn, isRecord, record } from "./rule";
import { command } from "./rules";

export interface AfterCommandArgs {
  /** As words: `["bin/warm-cache"]`. */
  readonly command: pulumi.Input<readonly pulumi.Input<string>[]>;
  /** How long it may take, at most 86400. Default 600. */
  readonly deadlineSeconds?: pulumi.Input<number>;
}

/** One of the two at least. */
export interface ReleaseCommandsArgs {
  /** As words: `["bin/migrate"]`. Default none. */
  readonly command?: pulumi.Input<readonly pulumi.Input<string>[]>;
  /** How long it may take, at most 86400. Default 600. */
  readonly deadlineSeconds?: pulumi.Input<number>;
  /**
   * Run once for each version in the same way, on the last of the hosts, when all have it. Where it fails, `up` fails, nothing is taken
   * back, and the next `up` runs it again. Default none.
   */
  readonly after?: AfterCommandArgs;
}

const deadlineSeconds = v.exactOptional(integerIn(values.commandSeconds));

export const releaseCommand = record("an object with command", {
  command: v.exactOptional(command),
  deadlineSeconds,
  after: v.exactOptional(record("an object with command", { command, deadlineSeconds })),
});

export function checkReleaseCommand({ release }: { readonly release?: unknown }): readonly Fault[] {
  if (!isRecord(release) || release.command !== undefined) return [];
  if (release.after !== undefined && release.deadlineSeconds === undefined) return [];
  return [
    { path: "release.command", message: unexpected("a command as a list of words", undefined) },
  ];
}

interface Once {
  readonly which: "command" | "after";
  readonly place: ProcessPlace;
  readonly version: string;
  readonly host: Host;
  /** All of the application: another one ran it where this one is new, or was away. */
  readonly hosts: readonly Host[];
}

type Known = {
  readonly command?: readonly string[];
  readonly deadlineSeconds?: number;
};

/** As a `Release` has it. */
export function describeRelease(
  release: pulumi.Output<(Known & { readonly after?: Known | undefined }) | undefined>,
  { which, place, version, host, hosts }: Once,
) {
  const { name, root, environmentFiles, programs, options } = place;
  const folder = `${root}/releases/${version}`;
  const elsewhere = hosts.filter((other) => other !== host && isHere(other));
  return release.apply((known) => {
    const { command = [], deadlineSeconds } = (which === "after" ? known?.after : known) ?? {};
    const process = "release command";
    const unit = renderCommandUnit({ name, process, folder, command, programs, options });
    return {
      ...(deadlineSeconds !== undefined && { deadlineSeconds }),
      ...{ command: [...command], unit, environmentFiles: [...environmentFiles] },
      ...(elsewhere.length > 0 && { elsewhere: elsewhere.map((other) => other.host) }),
    };
  });
}
