/** Under which names visitors are answered, and where they are led to. */
import type { HaproxyConfig, HaproxyHttps } from "./haproxy";
import { renderAltSvc } from "./http3";
import { renderUnknownHost } from "./unknown-host";

/** Below it a certificate's authority looks for the answer to its question. */
const challengePath = "/.well-known/acme-challenge/";

const askedHost = "req.hdr(Host),host_only,lower";

/** Who asks for another name, or without TLS, is led to where it is answered, or told that it is not. */
export function renderNames(config: HaproxyConfig): string {
  const { https, redirects = {}, unknownHost = "serve" } = config;
  const isTls = isOverTls(config);
  const own = [config.domain, ...(config.aliases ?? [])];
  const known = [...own, ...config.applications.flatMap(({ domains }) => domains)];
  const names = [...new Set([...known, ...Object.keys(redirects)])];
  const suffix = portSuffix(config);
  const plain = https ? " !answered_plain" : "";
  return [
    renderUnknownHost(unknownHost, `{ ${askedHost} -m str ${names.join(" ")} }`),
    https?.acmeThumbprint === undefined ? "" : renderChallenge(https.acmeThumbprint),
    https
      ? `    acl answered_plain path ${[config.healthPath, ...https.plainPaths].join(" ")}
    acl answered_plain path_beg ${challengePath}
    # The same host name first: only then does a browser learn from it that it is to come by TLS.
${renderRedirect(`https://%[${askedHost}]${suffix}`, `!${isTls} !answered_plain`)}`
      : "",
    ...Object.entries(redirects).map(([alias, name]) =>
      renderRedirect(
        `${schemeOf(config)}://${name}${suffix}`,
        `{ ${askedHost} -m str ${alias} }${plain}`,
      ),
    ),
    https?.hsts
      ? `    http-after-response set-header Strict-Transport-Security "${renderHsts(https.hsts)}" if ${isTls}
`
      : "",
    https?.http3 ? renderAltSvc(https.port, config.trustedProxies.length > 0) : "",
  ].join("");
}

/**
 * The answer is made of the question and the account, so every load balancer has it, whichever of them wants the certificate. Who has
 * not the account's key can do nothing with it.
 */
function renderChallenge(thumbprint: string): string {
  const token = "[A-Za-z0-9_-]+";
  return `    http-request return status 200 content-type text/plain lf-string "%[path,field(4,/)].${thumbprint}" if { path_reg ^${challengePath.replaceAll(".", "\\.")}${token}$ }
`;
}

/** Every client, crawler and cache knows 301; 308 has the method and the body sent again, which 301 loses. */
function renderRedirect(to: string, condition: string): string {
  return `    http-request redirect location ${to}%[pathq] code 301 if ${condition} { method GET HEAD }
    http-request redirect location ${to}%[pathq] code 308 if ${condition}
`;
}

function renderHsts({ days, includeSubDomains, preload }: NonNullable<HaproxyHttps["hsts"]>) {
  return [
    `max-age=${days * 24 * 3600}`,
    ...(includeSubDomains ? ["includeSubDomains"] : []),
    ...(preload ? ["preload"] : []),
  ].join("; ");
}

/** How visitors come: a proxy before this one that is trusted is the one that they speak TLS with. */
export function schemeOf({ https, trustedProxies }: HaproxyConfig): "http" | "https" {
  return https !== undefined || trustedProxies.length > 0 ? "https" : "http";
}

/** Nobody is asked for a password without TLS, where there is any. */
export function siteOf(config: HaproxyConfig) {
  const isTls = schemeOf(config) === "https" ? isOverTls(config) : undefined;
  return { domain: config.domain, isTls };
}

function portSuffix({ https, port, trustedProxies }: HaproxyConfig): string {
  if (https !== undefined) return https.port === 443 ? "" : `:${https.port}`;
  return trustedProxies.length > 0 || port === 80 ? "" : `:${port}`;
}

function isOverTls({ trustedProxies }: HaproxyConfig): string {
  return trustedProxies.length > 0 ? "{ var(txn.proto) -m str https }" : "{ ssl_fc }";
}
