/** What hosts do for their own safety, each part by its name: sshd takes keys alone, the kernel's settings, the time. */
import * as pulumi from "@pulumi/pulumi";
import { Service } from "../provider/resources/service";
import { checkArgs, whenKnown } from "./check-args";
import { type Host, onHost } from "./host";
import { hardeningOptions } from "./options";
import { createPackages } from "./packages";
import {
  chronyFiles,
  clockOfMachine,
  renderChronyConfig,
  renderChronyDropIn,
  renderChronyMore,
} from "./render/chrony";
import {
  type KernelSettings,
  kernelFiles,
  kernelOfMachine,
  renderKernelScript,
  renderKernelSettings,
  renderKernelUnit,
} from "./render/kernel";
import {
  losingPassword,
  renderSshdConfig,
  renderSshdDropIn,
  renderSshdScript,
  sshdFiles,
} from "./render/sshd";
import { list } from "./rule";
import { host } from "./rules";

export interface HardeningArgs {
  /** On which hosts. */
  readonly hosts: readonly Host[];
  /** sshd lets in by keys alone, and offers no weak algorithm. Default: it stays as it is. */
  readonly sshd?: true | SshdArgs;
  /** Settings of the kernel that keep users and networks apart. Default: they stay as they are. */
  readonly kernel?: true | KernelArgs;
  /** chrony keeps the time. Default: nothing is installed. */
  readonly time?: true | TimeArgs;
}

export interface SshdArgs {
  /** Lines of sshd_config(5). One with a keyword of ours takes the place of ours. Default none. */
  readonly rawLines?: pulumi.Input<readonly pulumi.Input<string>[]>;
}

export interface KernelArgs {
  /** Name to value, as in sysctl.d(5). One with a name of ours takes the place of ours. Default none. */
  readonly settings?: pulumi.Input<Readonly<Record<string, pulumi.Input<string | number>>>>;
}

export interface TimeArgs {
  /** Names or addresses of time servers. Default: those of the package's own file, a pool of Debian's or Ubuntu's. */
  readonly servers?: pulumi.Input<readonly pulumi.Input<string>[]>;
}

/** How long a host waits for a new connection before it takes a change of sshd back. SSH answers again within half a minute then. */
const confirmSeconds = 20;

/**
 * Hardens hosts, each part only where it is named. A change of sshd is checked by sshd itself, and taken back by the host unless a new
 * SSH connection gets in after it.
 *
 *     new Hardening("hardening", { hosts: [web], sshd: true, kernel: true, time: { servers: ["10.0.0.5"] } });
 */
export class Hardening extends pulumi.ComponentResource {
  constructor(name: string, args: HardeningArgs, opts?: pulumi.ComponentResourceOptions) {
    super("trilithon:components:Hardening", name, {}, opts);
    const check = { component: `Hardening ${name}`, entries, plain };
    checkArgs(check, args);
    const { hosts, sshd, kernel, time } = args;
    const known = whenKnown(check, { sshd, kernel, time });
    for (const host of hosts) {
      const prefix = `${name}-${host.name}`;
      if (sshd !== undefined) hardenSshd(this, prefix, host, known.sshd.apply(withoutTrue));
      if (kernel !== undefined) setKernel(this, prefix, host, known.kernel.apply(withoutTrue));
      if (time !== undefined) {
        const hasServers = time !== true && time.servers !== undefined;
        const { servers } = pulumi.output(known.time.apply(withoutTrue));
        keepTime(this, prefix, host, hasServers ? servers : undefined);
      }
    }
    this.registerOutputs({});
  }
}

const entries = { ...hardeningOptions, hosts: list("a list of hosts", host, 1) };
/** Which parts there are, and whether a file of ours names the time servers. */
const plain = ["hosts", "hosts.name", "sshd", "kernel", "time"];

/** `true`: as it is by default. */
function withoutTrue<Options extends object>(given: true | Options | undefined): Partial<Options> {
  return given === true || given === undefined ? {} : given;
}

function hardenSshd(
  parent: pulumi.Resource,
  prefix: string,
  host: Host,
  options: pulumi.Output<{ readonly rawLines?: readonly string[] }>,
): Service {
  const config = pulumi
    .all([options, host.host.hostKey])
    .apply(([{ rawLines = [] }, hostKey]) => renderSshdConfig({ hostKey, rawLines }));
  return new Service(
    `${prefix}-sshd`,
    {
      host: host.host,
      unit: sshdFiles.unit,
      files: {
        [sshdFiles.config]: { content: config },
        [sshdFiles.dropIn]: { content: renderSshdDropIn() },
        [sshdFiles.script]: { content: renderSshdScript(), mode: "0755", onChange: "nothing" },
      },
      onChange: "reload",
      check: [sshdFiles.script, "check"],
      configurationFiles: sshdFiles.foreign,
      forewarningCommand: losingPassword,
      confirmSeconds,
      // It starts the new program as it reloads.
      onUpgrade: "reload",
    },
    onHost(host, parent),
  );
}

function setKernel(
  parent: pulumi.Resource,
  prefix: string,
  host: Host,
  options: pulumi.Output<{ readonly settings?: KernelSettings }>,
): Service {
  const { unit, unitPath, config, script } = kernelFiles;
  return new Service(
    `${prefix}-kernel`,
    {
      host: host.host,
      unit,
      files: {
        [config]: { content: options.apply(({ settings }) => renderKernelSettings(settings)) },
        [unitPath]: { content: renderKernelUnit() },
        [script]: { content: renderKernelScript(), mode: "0755", onChange: "nothing" },
      },
      onChange: "reload",
      forewarningCommand: kernelOfMachine,
      overrides: { find: [script, "differs"], reset: ["systemctl", "reload", unit] },
    },
    onHost(host, parent),
  );
}

function keepTime(
  parent: pulumi.Resource,
  prefix: string,
  host: Host,
  servers: pulumi.Output<readonly string[] | undefined> | undefined,
): Service {
  const { allowRemoval = [], ...policy } = host.packagePolicy ?? {};
  const packages = createPackages(
    parent,
    `${prefix}-time-packages`,
    // It does the same, more simply. Any other one in chrony's way is somebody's choice, and refused.
    { ...host, packagePolicy: { ...policy, allowRemoval: [...allowRemoval, "systemd-timesyncd"] } },
    { name: "time-packages", packages: { chrony: "present" } },
  );
  const { unit, config, more, dropIn, foreign } = chronyFiles;
  return new Service(
    `${prefix}-time`,
    {
      host: host.host,
      unit,
      files: {
        [dropIn]: { content: renderChronyDropIn() },
        [more]: { content: renderChronyMore() },
        ...(servers && {
          [config]: { content: servers.apply((known = []) => renderChronyConfig(known)) },
        }),
      },
      runsWith: packages.versions,
      configurationFiles: foreign,
      forewarningCommand: clockOfMachine,
    },
    onHost(host, parent, [packages]),
  );
}
