/** A zone's file, as every name server reads it (RFC 1035, 5). */

export interface Zone {
  readonly zone: string;
  readonly serial: number;
  /** The name of its first name server. */
  readonly nameServer: string;
  /** All but `SOA`. */
  readonly records: readonly ZoneRecord[];
}

export interface ZoneRecord {
  /** Without a dot at its end. */
  readonly name: string;
  readonly type: string;
  readonly ttl: number;
  readonly values: readonly string[];
}

/**
 * Seconds: the first three are for servers that copy the zone, which none may. `absent` is how long others remember that a name is not
 * there: short, as a new one is to be found.
 */
const times = { ttl: 3600, refresh: 3600, retry: 600, expire: 604_800, absent: 60 };

/** From the root, so that a name in a value needs no dot at its end. */
export function renderZone({ zone, serial, nameServer, records }: Zone): string {
  const { ttl, refresh, retry, expire, absent } = times;
  return `; Written by trilithon: what is changed here by hand is taken back by the next \`pulumi up\`.
$ORIGIN .
${zone} ${ttl} IN SOA ${nameServer} hostmaster.${zone} (
  ${serial} ; the serial, which grows with each change
  ${refresh} ${retry} ${expire} ${absent}
)
${renderRecords(records)}`;
}

/** A line for each value. */
export function renderRecords(records: readonly ZoneRecord[]): string {
  const lines = records.flatMap(({ name, type, ttl, values }) =>
    values.map((value) => `${name} ${ttl} IN ${type} ${value}\n`),
  );
  return lines.join("");
}
