/** Other keys for the way to a machine: each is tried on a new connection, and nothing is changed where that does not get in. */

import { AccessDenied, HostKeyMismatch } from "../errors";
import type { Context, Host } from "../kind";
import {
  renderForgetFormerHostKey,
  renderPutHostKeyBack,
  renderTakeInHostKey,
} from "../ssh/host-key";
import { renderAuthorize, renderRetire } from "./authorized-keys";

/** By its key alone, over a new connection; where that is refused, the key is told to the host over a connection by a former one. */
export async function letIn(host: Host, context: Context): Promise<void> {
  const isLetIn = () => context.runAnew(host, { script: "true", doing: "trying its key" });
  try {
    await isLetIn();
    return;
  } catch (error) {
    if (!(error instanceof AccessDenied)) throw error;
  }
  const { publicKeyOf } = await import("../ssh/key-pair");
  const key = publicKeyOf(host.privateKey);
  const doing = "letting in another key";
  const file = await context.run(host, { script: renderAuthorize(host.user, key).text, doing });
  try {
    await isLetIn();
  } catch (error) {
    // As before: the former key is still let in.
    const script = renderRetire(host.user, [key]).text;
    if (file.trim() !== "") await context.run(host, { script, doing });
    throw error;
  }
}

/** Also where it lets nobody in: it shows its key before that. */
export async function showsHostKey(host: Host, context: Context): Promise<boolean> {
  try {
    await context.runAnew(host, { script: "true", doing: "looking at its host key" });
    return true;
  } catch (error) {
    if (error instanceof AccessDenied) return true;
    if (error instanceof HostKeyMismatch) return false;
    throw error;
  }
}

/** By the key that waits on the machine. */
export async function showHostKey(host: Host, context: Context): Promise<void> {
  const doing = "taking in another host key";
  const run = ({ text: script }: { readonly text: string }) => context.run(host, { script, doing });
  await run(renderTakeInHostKey(host.hostKey));
  try {
    await untilShown(host, context);
  } catch (error) {
    await run(renderPutHostKeyBack());
    throw error;
  }
  await run(renderForgetFormerHostKey());
}

/** sshd needs a moment to begin anew. */
async function untilShown(host: Host, context: Context): Promise<void> {
  const deadline = Date.now() + restartSeconds * 1000;
  for (;;) {
    try {
      await context.runAnew(host, { script: "true", doing: "trying its host key" });
      return;
    } catch (error) {
      if (!(error instanceof HostKeyMismatch) || Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

const restartSeconds = 10;
