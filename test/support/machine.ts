/** A machine in a folder, its SSH server and the plugin, for one test. */

import type { ExecutionContext } from "ava";
import type { Host } from "../../provider/kind";
import { type PluginOptions, TestPlugin } from "./plugin";
import { TestResource } from "./resource";
import { Sandbox } from "./sandbox";
import { SshServer, type SshServerOptions } from "./ssh-server";
import { secret, type WireMap, wire } from "./wire";

export interface Machine {
  readonly sandbox: Sandbox;
  readonly server: SshServer;
  readonly plugin: TestPlugin;
  /** At the end of the test at the latest. */
  stop(): Promise<void>;
  /** A resource of the type `trilithon:index:Service`, or another. */
  resource(
    type?: string,
    named?: { readonly name?: string; readonly stack?: string },
  ): TestResource;
}

export async function startMachine(
  t: ExecutionContext,
  { ssh = {}, plugin: options = {} }: { ssh?: SshServerOptions; plugin?: PluginOptions } = {},
): Promise<Machine> {
  const sandbox = await Sandbox.make();
  const server = await SshServer.start({ execute: sandbox.execute, ...ssh });
  const plugin = await TestPlugin.start({ connectSeconds: 60, ...options });
  const stop = async () => {
    await plugin.stop();
    await server.stop();
    await sandbox.remove();
  };
  t.teardown(stop);
  return {
    stop,
    sandbox,
    server,
    plugin,
    resource: (type = "trilithon:index:Service", named = {}) =>
      new TestResource(plugin, { type, ...named }),
  };
}

/** A host as a program hands it over: the private key is a secret. */
export function wireHost(host: Host): WireMap {
  return { ...wire(host), privateKey: secret(host.privateKey) };
}
