/** IPv6 addresses as text, as bits and as bytes. */

/** RFC 5952: as `ip`, `ss` and `nft` write it. */
export function writeAddress6(address: string): string {
  return new URL(`http://[${address}]`).hostname.slice(1, -1);
}

/** All 128. */
export function bitsOfIpv6(address: string): string {
  // Written with the shortest zeros, and without dots.
  const halves = writeAddress6(address).split("::");
  const groups = halves.map((half) => half.split(":").filter((group) => group !== ""));
  const [before = [], after = []] = groups;
  const missing = 8 - before.length - after.length;
  return [...before, ...Array<string>(missing).fill("0"), ...after]
    .map((group) => Number(`0x${group}`).toString(2).padStart(16, "0"))
    .join("");
}

/** The address after it. */
export function nextAddress6(address: string): string {
  const digits = digitsOf(numberOf(address) + 1n);
  return writeAddress6(digits.replace(/(.{4})(?=.)/g, "$1:"));
}

/** The 16 bytes, as `nft` compares them: `0x20010db8...`. */
export function hexOfIpv6(address: string): string {
  return `0x${digitsOf(numberOf(address))}`;
}

function numberOf(address: string): bigint {
  return BigInt(`0b${bitsOfIpv6(address)}`);
}

function digitsOf(value: bigint): string {
  return value.toString(16).padStart(32, "0");
}
