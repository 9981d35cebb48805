/** What was heard on a network: the packets of a file of `tcpdump -w`, and the conversations that they make. */

export interface Packet {
  /** `other`: neither of IPv4's nor a protocol that is named here; its number is in `kind`. */
  readonly protocol: "tcp" | "udp" | "vrrp" | "icmp" | "igmp" | "arp" | "ipv6" | "other";
  readonly kind: string;
  readonly from: Place;
  readonly to: Place;
  /** It asks for a connection. */
  readonly isOpening: boolean;
  readonly payload: Buffer;
}

export interface Place {
  readonly address: string;
  readonly port: number;
}

/** All that two places said to each other, each side's in one piece. */
export interface Conversation {
  readonly protocol: Packet["protocol"];
  /** Of TCP the one that opened it, where that was heard; otherwise the one that spoke first. */
  readonly client: Place;
  readonly server: Place;
  readonly isWhole: boolean;
  readonly asked: Buffer;
  readonly answered: Buffer;
}

const nobody: Place = { address: "", port: 0 };
const protocols: Readonly<Record<number, Packet["protocol"]>> = {
  1: "icmp",
  2: "igmp",
  6: "tcp",
  17: "udp",
  112: "vrrp",
};

/** Of an Ethernet interface. */
export function readPackets(file: Buffer): readonly Packet[] {
  if (file.readUInt32LE(0) !== 0xa1b2c3d4 || file.readUInt32LE(20) !== 1) {
    throw new Error("expected packets of an Ethernet interface as tcpdump writes them");
  }
  const packets: Packet[] = [];
  for (let at = 24; at + 16 <= file.length; ) {
    const length = file.readUInt32LE(at + 8);
    packets.push(readFrame(file.subarray(at + 16, at + 16 + length)));
    at += 16 + length;
  }
  return packets;
}

function readFrame(frame: Buffer): Packet {
  const type = frame.readUInt16BE(12);
  if (type === 0x0800) return readIpv4(frame.subarray(14));
  const protocol = type === 0x0806 ? "arp" : type === 0x86dd ? "ipv6" : "other";
  const kind = `0x${type.toString(16)}`;
  return { protocol, kind, from: nobody, to: nobody, isOpening: false, payload: frame };
}

function readIpv4(packet: Buffer): Packet {
  const number = packet.readUInt8(9);
  const protocol = protocols[number] ?? "other";
  const begin = (packet.readUInt8(0) & 15) * 4;
  const inside = packet.subarray(begin, packet.readUInt16BE(2));
  const hasPorts = protocol === "tcp" || protocol === "udp";
  const place = (address: number, port: number) => ({
    address: packet.subarray(address, address + 4).join("."),
    port: hasPorts ? inside.readUInt16BE(port) : 0,
  });
  const flags = protocol === "tcp" ? inside.readUInt8(13) : 0;
  const header = protocol === "tcp" ? (inside.readUInt8(12) >> 4) * 4 : hasPorts ? 8 : 0;
  return {
    ...{ protocol, kind: `protocol ${number} of IP`, from: place(12, 0), to: place(16, 2) },
    // SYN without ACK.
    isOpening: (flags & 0x12) === 0x02,
    payload: inside.subarray(header),
  };
}

/** Of what has addresses of IPv4, in the order in which they began. */
export function conversationsOf(packets: readonly Packet[]): readonly Conversation[] {
  const found = new Map<string, Packet[]>();
  for (const packet of packets) {
    if (packet.from === nobody) continue;
    const ends = [packet.from, packet.to].map(({ address, port }) => `${address}:${port}`);
    const key = `${packet.protocol} ${ends.sort().join(" ")}`;
    const known = found.get(key);
    if (known) known.push(packet);
    else found.set(key, [packet]);
  }
  return [...found.values()].flatMap(conversation);
}

function conversation(packets: readonly Packet[]): readonly Conversation[] {
  const [first] = packets;
  if (first === undefined) return [];
  const opening = packets.find(({ isOpening }) => isOpening);
  const { from: client, to: server, protocol } = opening ?? first;
  const isSame = (a: Place, b: Place) => a.address === b.address && a.port === b.port;
  const said = (by: Place) =>
    Buffer.concat(packets.filter(({ from }) => isSame(from, by)).map(({ payload }) => payload));
  const isWhole = opening !== undefined;
  return [{ protocol, client, server, isWhole, asked: said(client), answered: said(server) }];
}
