/** What somebody is to reach on a host, as the stack's own list of what listens has it. */
import type { Listen } from "../../../components/listens";

export interface Who {
  /** A host of the stack by its name; nobody it knows otherwise. */
  readonly host?: string;
  /** Whether operators are anyone. */
  readonly isOperator: boolean;
}

/** `22/tcp 80/tcp 53/udp`, at an address of the host that others reach. */
export function declaredAt(
  listens: readonly Listen[],
  { host, address }: { readonly host: string; readonly address: string },
  who: Who,
): string {
  const open = listens.filter(
    (listen) => listen.host === host && isAt(listen.address, address) && isFor(listen, who),
  );
  const names = (protocol: Listen["protocol"]) => [
    ...new Set(
      open
        .filter((listen) => listen.protocol === protocol)
        .map(({ port = 0 }) => port)
        .sort((a, b) => a - b)
        .map((port) => `${port}/${protocol}`),
    ),
  ];
  return [...names("tcp"), ...names("udp")].join(" ");
}

function isAt(bound: string, address: string): boolean {
  const isIpv6 = address.includes(":");
  if (bound === "*") return true;
  return bound === (isIpv6 ? "[::]" : "0.0.0.0") || bound === (isIpv6 ? `[${address}]` : address);
}

function isFor({ for: audience }: Listen, { host, isOperator }: Who): boolean {
  if (audience.anyone) return true;
  if (audience.operators && isOperator) return true;
  return host !== undefined && (audience.hosts ?? []).includes(host);
}
