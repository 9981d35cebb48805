/** Each web server serves on its own, seen from the host itself: who of two is broken. */
import { sh } from "../../../provider/ssh/shell";
import { type Check, type Finding, failed, passed } from "../check";
import {
  type EndpointHost,
  type Endpoints,
  hostsWith,
  type Service,
  serviceOf,
} from "../endpoints";

export function hostServingChecks(endpoints: Endpoints): readonly Check[] {
  return hostsWith(endpoints, "web").flatMap((host) =>
    (["web-server", "application"] as const).flatMap((role) => {
      const service = serviceOf(host, role);
      return service === undefined ? [] : [servingCheck(host, service, endpoints.healthPath)];
    }),
  );
}

function servingCheck(
  host: EndpointHost,
  { unit, port, role }: Service,
  healthPath: string,
): Check {
  const name = unit.replace(/\.service$/, "");
  return {
    name: `${host.name}: ${name} answers`,
    expected: `status 200 at port ${port}, from the application of ${host.name}`,
    remedy: `journalctl -u ${unit} on ${host.name}${role === "web-server" ? ", and the application behind it" : ""}`,
    deadlineSeconds: 25,
    run: async (site) => {
      const script = sh`perl -MIO::Socket::INET -e ${getHealth} ${port} ${healthPath} 2>&1 || true`;
      return judgeServing(await site.run(host, script.text, 10), host.name);
    },
  };
}

/** Perl and its sockets are on every Debian; curl is not. */
const getHealth = `
alarm 8;
my $socket = IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => $ARGV[0], Timeout => 5) or die "refuses connections\\n";
print $socket "GET $ARGV[1] HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n";
print while <$socket>;
`;

/** Judges an HTTP answer as it came over the line. */
export function judgeServing(text: string, name: string): Finding {
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(text)?.[1];
  if (status === undefined) return failed(text.trim().split("\n").at(-1) || "no answer");
  if (status !== "200") return failed(`status ${status}`);
  const server = /"servedBy":"([^"]*)"/.exec(text)?.[1];
  if (server !== name) return failed(`the application calls itself ${server ?? "nothing"}`);
  return passed("status 200");
}
