/** When certificates end: those that visitors are shown, by whichever load balancer. */
import { certificatesOf, daysUntil, readCertificate } from "../verify/checks/certificate";
import type { Endpoints } from "../verify/endpoints";
import { wordsOf } from "./reach";
import type { Status } from "./schema";

export async function readCertificates(
  endpoints: Endpoints,
  now: Date,
): Promise<Status["certificates"]> {
  return Promise.all(
    certificatesOf(endpoints).map(async ({ at, trust }) => {
      const place = { name: trust.name, at };
      try {
        const { validTo } = await readCertificate(at, trust);
        return { ...place, ...describeEnd(validTo, now), reason: null };
      } catch (error) {
        return { ...place, ends: null, days: null, reason: wordsOf(error) };
      }
    }),
  );
}

/** `Nov 29 20:00:00 2027 GMT` */
export function describeEnd(validTo: string, now: Date) {
  const ends = new Date(validTo);
  if (Number.isNaN(ends.getTime())) return { ends: null, days: null };
  return { ends: ends.toISOString(), days: daysUntil(ends, now) };
}
