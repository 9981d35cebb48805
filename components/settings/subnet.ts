/** Addresses of a network of containers. */

/** The first two addresses and the last belong to the network itself. */
export function placeIn(subnet: string, address: string): "outside" | "taken" | "free" {
  const [base = "", length = ""] = subnet.split("/");
  const size = 2 ** (32 - Number(length));
  const offset = numberOf(address) - numberOf(base);
  if (offset < 0 || offset >= size) return "outside";
  return offset < 2 || offset === size - 1 ? "taken" : "free";
}

/** Of a network from /24 to /28: the engine's own. */
export function firstAddress(subnet: string): string {
  const [base = ""] = subnet.split("/");
  return base.replace(/\d+$/, (last) => `${Number(last) + 1}`);
}

/** Of an IPv4 address; unique in a stack of containers. */
export function lastByte(address: string): number {
  return Number(address.split(".")[3]);
}

function numberOf(address: string): number {
  return address.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
}
