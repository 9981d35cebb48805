/** What is asked before and while a host is drained. */
import { webStatusPath } from "./nginx";

/** HAProxy's statistics: another server than this one is up. Fields before the status: name, 15 numbers. */
export function servesElsewhere(
  { address, statsPort }: { readonly address: string; readonly statsPort: number },
  hostName: string,
) {
  const name = hostName.replaceAll(/[^A-Za-z0-9_-]/g, "\\$&");
  return {
    http: `http://${address}:${statsPort}/;csv`,
    matches: `^web_servers,(?!${name},|FRONTEND|BACKEND)[^,]+(,[^,]*){15},UP`,
  };
}

/** HAProxy's statistics: no request is passed to a server. Fields before the current sessions: name, 3 numbers. */
export function nothingPassed({
  address,
  statsPort,
}: {
  readonly address: string;
  readonly statsPort: number;
}) {
  const none = (backend: string) => `^${backend},BACKEND,[^,]*,[^,]*,0,`;
  return {
    http: `http://${address}:${statsPort}/;csv`,
    matches: `(?s)${none("web_servers")}.*${none("web_servers_once")}`,
  };
}

/** Nginx's counters: the one request that it is answering is this one. */
export function nothingUnderWay(webPort: number) {
  return { http: `http://127.0.0.1:${webPort}${webStatusPath}`, matches: "Writing: 1 " };
}
