import type { Client, ClientChannel } from "ssh2";

interface Protocol {
  signal(channel: unknown, name: string): void;
}

/** Sends a signal to what runs in a channel. ssh2's own method keeps silent once our standard input has ended. */
export function sendSignal(client: Client, channel: ClientChannel, name: "TERM"): void {
  const protocol: Protocol = Reflect.get(client, "_protocol");
  protocol.signal(Reflect.get(Object(channel.outgoing), "id"), name);
}
