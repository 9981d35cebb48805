/** HTTP/3, which is spoken over UDP: what HAProxy's configuration says for it, and what tells whether its program can. */

/** A browser that was told comes by it for so long. Once it is off, it tries in vain for no longer than that. */
const rememberedSeconds = 3600;

/** For the section `global`. */
export function renderHttp3Global(): string {
  return `    # Of HTTP/3 each connection has a socket of its own at the port, which only root could open otherwise. With it a connection stays
    # with its process over a reload; otherwise what comes for one reaches the new process, which does not know it.
    setcap cap_net_bind_service
`;
}

/** For a frontend. HAProxy answers from the address that was asked, a shared one as well. */
export function renderHttp3Binds(
  port: number,
  { isIpv6, certificates }: { readonly isIpv6: boolean; readonly certificates: string },
): string {
  const addresses = isIpv6 ? [`quic4@:${port}`, `quic6@[::]:${port} v6only`] : [`quic4@:${port}`];
  return addresses
    .map((address) => `    bind ${address} ssl crt-list ${certificates} alpn h3\n`)
    .join("");
}

/** Browsers come over TCP first, and learn it there. A proxy before this one would pass it on to those that it speaks with. */
export function renderAltSvc(port: number, isBehindProxy: boolean): string {
  const own = isBehindProxy ? "{ ssl_fc } !{ var(txn.trusted) -m bool }" : "{ ssl_fc }";
  return `    http-after-response set-header Alt-Svc 'h3=":${port}"; ma=${rememberedSeconds}' if ${own}
`;
}

/**
 * As root on a host: ends with 1, and says why, where its HAProxy speaks no QUIC. That of Debian 13 does by a layer over
 * OpenSSL: of 20 handshakes of curl, which offers X25519MLKEM768 as browsers do and so needs two packets for it, 11 failed there.
 */
export const http3Check = `haproxy -vv | awk '
  /^HAProxy version/ { version = $3 }
  /^Feature list/ { for (at = 1; at <= NF; at++) has[$at] = 1 }
  END {
    if (has["+QUIC"] && !has["+QUIC_OPENSSL_COMPAT"]) exit 0
    why = has["+QUIC"] ? "has it by a layer at which handshakes fail" : "was built without it"
    print "https.http3: expected a HAProxy with QUIC, got " version ", which " why ": take http3 out, or use HAProxy 3.2 of Debian 14"
    exit 1
  }'`;

/** For a Service's `forewarningCommand`: what a change would be refused for, where HAProxy is installed by then. */
export const lackingHttp3 = ["sh", "-c", `command -v haproxy >/dev/null && ${http3Check}`];
