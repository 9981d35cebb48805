/** What becomes of requests for host names that nobody has. */

/** `serve`: the first application gets them. `refuse` is for programs, `page` for people. */
export const unknownHostAnswers = ["serve", "refuse", "page"] as const;
export type UnknownHost = (typeof unknownHostAnswers)[number];

const refusal = `status 421 content-type text/plain string "This host name is not served here."`;
const page = `status 404 content-type "text/html; charset=utf-8" hdr "Cache-Control" "no-store" string '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>No site</title><h1>No site</h1><p>No site of this name is served here.</p>'`;

/** For a frontend. `isKnown` is a condition of HAProxy's. */
export function renderUnknownHost(answer: UnknownHost, isKnown: string): string {
  if (answer === "serve") return "";
  return `    http-request return ${answer === "refuse" ? refusal : page} unless ${isKnown}
`;
}
