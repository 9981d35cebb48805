/** How TLS is spoken with browsers: Mozilla's profile "intermediate", which everybody since about 2014 can speak. */

export const intermediate = {
  version: "6.0",
  source: "https://ssl-config.mozilla.org/guidelines/6.0.json",
  /** When it was last compared with that. */
  readOn: "2026-11-29",
  oldestVersion: "TLSv1.2",
  /** Of TLS 1.2, in OpenSSL's words. */
  ciphers: [
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-CHACHA20-POLY1305",
  ],
  /** Of TLS 1.3. */
  ciphersuites: [
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
  ],
  curves: ["X25519MLKEM768", "X25519", "prime256v1", "secp384r1"],
  /** All of them are good: a client knows which one its processor is fast at. */
  orderOf: "client",
  /** Of RSA keys; ECDSA keys are of these curves. */
  leastRsaBits: 2048,
  certificateCurves: ["prime256v1", "secp384r1"],
} as const;

/** The first OpenSSL that knows a curve; those that are not listed are known to all. An unknown one is refused with all others. */
const knownSince: Readonly<Record<string, string>> = { X25519MLKEM768: "3.5.0" };

/** For HAProxy's section `global`. */
export function renderTlsProfile({ sessionSeconds }: { readonly sessionSeconds: number }): string {
  const { version, source, oldestVersion, ciphers, ciphersuites, curves } = intermediate;
  const old = curves.filter((curve) => knownSince[curve] === undefined);
  return `    # Mozilla's profile "intermediate", version ${version}: ${source}
    # Sessions are resumed from this process's memory, not by tickets: the key of tickets would open all that was recorded under it.
    ssl-default-bind-options ssl-min-ver ${oldestVersion} prefer-client-ciphers no-tls-tickets
    ssl-default-bind-ciphers ${ciphers.join(":")}
    ssl-default-bind-ciphersuites ${ciphersuites.join(":")}
.if openssl_version_atleast(${knownSince.X25519MLKEM768})
    ssl-default-bind-curves ${curves.join(":")}
.else
    ssl-default-bind-curves ${old.join(":")}
.endif
    tune.ssl.lifetime ${sessionSeconds}
`;
}
