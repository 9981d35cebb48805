/** Which certificates are refused, and in which words: before any host is touched. */
import test from "ava";
import { lifeLeft } from "../../components/certificate-check";
import { checkHttps } from "../../components/https";
import { parseSettings } from "../../components/settings";
import { makeEncryptedKey, makePem } from "../support/pem";

const name = "www.foobar.com";
const good = makePem();
const day = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);

/** Each line as it is told. */
function faultsOf(https: unknown, names: readonly string[] = [name]): readonly string[] {
  return checkHttps(https, names).map(({ path, message }) => `${path}: ${message}`);
}

const pairOf = async (request: Parameters<typeof makePem>[0]) => {
  const { certificate, key } = await makePem(request);
  return { certificate, key };
};

test("takes what serves the site", async (t) => {
  const { certificate, key } = await good;
  const authority = await makePem({ names: ["Example"], isAuthority: true });
  const signed = await makePem({ issuer: authority, names: ["*.foobar.com", "foobar.com"] });
  const chain = signed.certificate + authority.certificate;
  for (const https of [
    "own-ca",
    { ownCa: true, hsts: { days: 730, includeSubDomains: true, preload: true } },
    { certificate, key },
    { certificate: chain, key: signed.key },
    await pairOf({ algorithm: "RSA 2048" }),
    { certificates: [await pairOf({ names: ["foobar.com"] }), { certificate, key }] },
  ]) {
    t.deepEqual(faultsOf(https), []);
  }
  t.deepEqual(faultsOf({ certificate: chain, key: signed.key }, [name, "foobar.com"]), []);
});

test("refuses a certificate without its key, and a key without its certificate", async (t) => {
  const { certificate, key } = await good;
  t.deepEqual(faultsOf({ certificate }), [
    "https.key: expected the private key of the certificate (PEM), got nothing",
  ]);
  t.deepEqual(faultsOf({ key }), [
    "https.certificate: expected the certificate of the key (PEM), got nothing",
  ]);
});

test("refuses to be told by nobody, or twice, whose certificate it is", async (t) => {
  const { certificate, key } = await good;
  const expected = "https: expected one of certificate and key, certificates, ownCa, acme, got";
  t.deepEqual(faultsOf({ port: 8443 }), [`${expected} none of them`]);
  t.deepEqual(faultsOf({ ownCa: true, certificate, key }), [
    `${expected} certificate and key and ownCa`,
  ]);
  t.deepEqual(faultsOf({ ownCa: true, ca: certificate }), [
    "https.ca: expected nothing, got a value: ownCa has its own",
  ]);
});

test("refuses a certificate that is no longer or not yet valid", async (t) => {
  t.deepEqual(faultsOf(await pairOf({ from: -90, to: -2 })), [
    `https.certificate: expected a certificate that is valid now, got one that ended on ${day(-2)}`,
  ]);
  t.deepEqual(faultsOf(await pairOf({ from: 2 })), [
    `https.certificate: expected a certificate that is valid now, got one that begins on ${day(2)}`,
  ]);
});

test("refuses a key that is not the certificate's, and a chain in the wrong order", async (t) => {
  const { certificate, key } = await good;
  const other = await makePem();
  t.deepEqual(faultsOf({ certificate, key: other.key }), [
    "https.key: expected the private key of the certificate, got another one",
  ]);
  const authority = await makePem({ names: ["Example"], isAuthority: true });
  const signed = await makePem({ issuer: authority });
  t.deepEqual(faultsOf({ certificate: signed.certificate + other.certificate, key: signed.key }), [
    "https.certificate: expected each certificate to be followed by that of its issuer, got another one as number 2",
  ]);
  // Signed by itself, it follows the other one all the same.
  const pair = { certificate: authority.certificate + authority.certificate, key };
  t.deepEqual(faultsOf(pair), [
    "https.key: expected the private key of the certificate, got another one",
  ]);
});

test("refuses keys that browsers refuse", async (t) => {
  const expected =
    "https.certificate: expected a key of RSA with 2048 bits or more, or ECDSA with P-256 or P-384, got";
  t.deepEqual(faultsOf(await pairOf({ algorithm: "RSA 1024" })), [`${expected} RSA with 1024`]);
  t.deepEqual(faultsOf(await pairOf({ algorithm: "P-521" })), [`${expected} ECDSA with secp521r1`]);
  t.deepEqual(faultsOf(await pairOf({ algorithm: "Ed25519" })), [`${expected} ed25519`]);
});

test("refuses names that no certificate has", async (t) => {
  const pair = await pairOf({ names: ["foobar.com", "*.foobar.org"] });
  t.deepEqual(faultsOf(pair, [name, "foobar.com"]), [
    `https.certificate: expected a certificate for ${name}, got one for foobar.com, *.foobar.org`,
  ]);
  // An asterisk is one label.
  t.deepEqual(faultsOf(pair, ["a.b.foobar.org"]), [
    "https.certificate: expected a certificate for a.b.foobar.org, got one for foobar.com, *.foobar.org",
  ]);
  const certificates = [await pairOf({ names: ["a.com"] }), await pairOf({ names: ["b.com"] })];
  t.deepEqual(faultsOf({ certificates }, [name, "b.com"]), [
    `https.certificates: expected a certificate for ${name}, got none for a.com, b.com`,
  ]);
});

test("refuses texts that are none, and shows nothing of them", async (t) => {
  const { certificate, key } = await good;
  const begun = "-----BEGIN CERTIFICATE-----\nSECRET\n-----END CERTIFICATE-----\n";
  t.deepEqual(faultsOf({ certificate: begun, key }), [
    "https.certificate: expected a certificate (PEM), got something else (not shown)",
  ]);
  const garbage = "-----BEGIN PRIVATE KEY-----\nSECRET\n-----END PRIVATE KEY-----\n";
  t.deepEqual(faultsOf({ certificate, key: garbage }), [
    "https.key: expected a private key (PEM), got something else (not shown)",
  ]);
  t.deepEqual(faultsOf({ certificate, key: makeEncryptedKey() }), [
    "https.key: expected a private key without a passphrase, got one with a passphrase",
  ]);
  t.deepEqual(faultsOf({ certificate, key, ca: "root" }), [
    "https.ca: expected a certificate (PEM), got something else (not shown)",
  ]);
  t.deepEqual(faultsOf({ certificate, key, ca: certificate }), []);
  // Which of several it is, is said.
  t.deepEqual(
    faultsOf({
      certificates: [
        { certificate, key },
        { certificate, key: garbage },
      ],
    }),
    ["https.certificates[1].key: expected a private key (PEM), got something else (not shown)"],
  );
});

test("refuses what browsers' own list would not take", (t) => {
  t.deepEqual(faultsOf({ ownCa: true, hsts: { days: 30, preload: true } }), [
    "https.hsts.days: expected 365 or more with preload, got 30",
    "https.hsts.includeSubDomains: expected true with preload, got nothing",
  ]);
});

test("tells how long a certificate is good for", async (t) => {
  const { certificate } = await makePem({ to: 10.5 });
  t.deepEqual(lifeLeft(certificate), { days: 10, end: day(10.5) });
});

const stack = {
  domain: name,
  hosts: [{ name: "one", address: "172.31.64.11", roles: ["load-balancer", "web"] }],
  containers: { subnet: "172.31.64.0/24" },
  web: { port: 8080 },
};
const told = (values: Readonly<Record<string, unknown>>, secretKeys = ["trilithon:https"]) => {
  const result = parseSettings({ ...stack, ...values }, secretKeys);
  return "faults" in result ? result.faults : [];
};

test("the settings are refused in the same words", async (t) => {
  const { certificate, key } = await good;
  t.deepEqual(told({ https: { certificate, key } }), []);
  t.deepEqual(told({ https: "own-ca" }), []);
  t.deepEqual(told({ https: "own" }), ['trilithon:https: expected own-ca, got "own"']);
  t.deepEqual(told({ https: { tls: true } }), [
    "trilithon:https.tls: unknown, expected one of certificate, key, certificates, ownCa, authorityKeeper, acme, ca, port, http3, hsts",
    "trilithon:https: expected one of certificate and key, certificates, ownCa, acme, got none of them",
  ]);
  t.deepEqual(told({ https: { certificate: "x", key } }), [
    "trilithon:https.certificate: expected a certificate (PEM), got something else (not shown)",
  ]);
  t.deepEqual(told({ https: { certificate: 5, key } }), [
    "trilithon:https.certificate: expected a certificate (PEM), got something else (not shown)",
  ]);
  t.deepEqual(told({ https: { ownCa: true, port: 8080 } }), [
    "trilithon:https.port: expected a port that nothing else on one uses, got 8080: web.port is the same: give one of them another port",
  ]);
  const applications = { shop: { source: "./app", start: ["x"], port: 3001, domains: ["a.com"] } };
  t.deepEqual(told({ https: { certificate, key }, applications }), [
    `trilithon:https.certificate: expected a certificate for a.com, got one for ${name}`,
  ]);
  const loadBalancer = { redirects: { "foobar.com": name } };
  t.deepEqual(told({ https: { certificate, key }, loadBalancer }), [
    `trilithon:https.certificate: expected a certificate for foobar.com, got one for ${name}`,
  ]);
});

test("an authority that is asked needs an account, and an address over TLS", async (t) => {
  const { certificate } = await good;
  const acme = { email: "admin@foobar.com" };
  t.deepEqual(told({ https: { acme } }), []);
  const directory = "https://acme.example.com:14000/dir";
  const all = { ...acme, directory, challenge: "http-01", directoryCa: certificate };
  t.deepEqual(told({ https: { acme: all, ca: certificate } }), []);
  t.deepEqual(told({ https: { acme: {} } }), [
    "trilithon:https.acme.email: expected an e-mail address, got nothing",
  ]);
  const bad = { email: "a'b@foobar.com", directory: "http://acme.example.com/", challenge: "dns" };
  t.deepEqual(told({ https: { acme: { ...bad, directoryCa: "x" } } }), [
    `trilithon:https.acme.email: expected an e-mail address, got "a'b@foobar.com"`,
    'trilithon:https.acme.directory: expected an https URL, got "http://acme.example.com/"',
    'trilithon:https.acme.challenge: expected http-01 or an object with dns-01, got "dns"',
    "trilithon:https.acme.directoryCa: expected a certificate (PEM), got something else (not shown)",
  ]);
});

test("a DNS provider is one that lego has, with the variables that it needs", (t) => {
  const faults = (dns01: unknown, secretKeys?: string[]) => {
    const acme = { email: "admin@foobar.com", challenge: { "dns-01": dns01 } };
    return told({ https: { acme } }, secretKeys).map((fault) =>
      fault.replace("trilithon:https.acme.challenge.dns-01", "..."),
    );
  };
  const server = { DNSUPDATE_NAMESERVER: "10.0.0.9:53", DNSUPDATE_TTL: 60 };
  t.deepEqual(faults({ provider: "rfc2136", environment: server }), []);
  t.deepEqual(faults({ provider: "ovh", environment: {} }), []);
  // One of two names, and one that stands in a file of the host.
  t.deepEqual(faults({ provider: "hetzner", environment: { HETZNER_API_KEY: "x" } }), []);
  t.deepEqual(faults({ provider: "desec", environment: { DESEC_TOKEN_FILE: "/etc/token" } }), []);
  t.deepEqual(faults({ provider: "cloudflair", environment: {} }), [
    '....provider: expected a DNS provider of those that lego has in Debian, got "cloudflair"',
  ]);
  t.deepEqual(faults({ provider: "constructor", environment: {} }).length, 1);
  t.deepEqual(faults({ provider: "rfc2136" }), [
    "....environment: expected an object of variables, got nothing",
  ]);
  t.deepEqual(faults({ provider: "inwx", environment: { INWX_USERNAME: "x" } }), [
    "....environment.INWX_PASSWORD: expected what lego needs for inwx, got nothing",
  ]);
  t.deepEqual(faults({ provider: "rfc2136", environment: { ...server, "A B": "x" } }), [
    '....environment.A B: expected a variable in capital letters, as lego dnshelp tells it, got "A B"',
  ]);
  t.deepEqual(faults({ provider: "desec", environment: { DESEC_TOKEN: ["SECRET"] } }), [
    "....environment.DESEC_TOKEN: expected a text or a number, got something else (not shown)",
  ]);
  t.deepEqual(faults({ provider: "rfc2136", environment: server, zone: "foobar.com" }), [
    "....zone: unknown, expected one of provider, environment",
  ]);
  const key = { ...server, DNSUPDATE_TSIG_KEY: "acme", DNSUPDATE_TSIG_SECRET: "x" };
  const path = "trilithon:https.acme.challenge.dns-01.environment.DNSUPDATE_TSIG_SECRET";
  t.deepEqual(faults({ provider: "rfc2136", environment: key }, []), [
    `....environment.DNSUPDATE_TSIG_SECRET: expected a secret, got plain text: set it with pulumi config set --secret --path '${path}' < KEYFILE`,
  ]);
});

test("a key in plain text is refused", async (t) => {
  const { certificate, key } = await good;
  const path = "trilithon:https.certificates[0].key";
  t.deepEqual(told({ https: { certificates: [{ certificate, key }] } }, []), [
    `${path}: expected a secret, got plain text: set it with pulumi config set --secret --path '${path}' < KEYFILE`,
  ]);
  t.deepEqual(told({ https: { certificate, key } }, []).length, 1);
});

test("a redirect leads from a name that is not served to one that is", (t) => {
  const loadBalancer = { redirects: { [name]: name, "foobar.com": "other.com" } };
  t.deepEqual(told({ loadBalancer }), [
    `trilithon:loadBalancer.redirects.${name}: expected a name that is not served itself, got "${name}"`,
    `trilithon:loadBalancer.redirects.foobar.com: expected one of ${name}, got "other.com"`,
  ]);
  t.deepEqual(told({ loadBalancer: { redirects: { foobar: name }, unknownHost: "drop" } }), [
    'trilithon:loadBalancer.redirects.foobar: expected a domain name such as www.example.com, got "foobar"',
    'trilithon:loadBalancer.unknownHost: expected one of serve, refuse, page, got "drop"',
  ]);
});

test("another name of the site is no name that is served already, and can be led to", async (t) => {
  const own = "www.foobar.org";
  const redirects = { "foobar.org": own };
  t.deepEqual(told({ loadBalancer: { aliases: [own], redirects } }), []);
  const aliases = [own, name, own, "foobar"];
  t.deepEqual(told({ loadBalancer: { aliases, redirects: { [own]: name } } }), [
    'trilithon:loadBalancer.aliases[3]: expected a domain name such as www.example.com, got "foobar"',
    `trilithon:loadBalancer.aliases[1]: expected a name that is not served already, got "${name}"`,
    `trilithon:loadBalancer.aliases[2]: expected a name that is not served already, got "${own}"`,
    `trilithon:loadBalancer.redirects.${own}: expected a name that is not served itself, got "${own}"`,
  ]);
  const { certificate, key } = await good;
  t.deepEqual(told({ https: { certificate, key }, loadBalancer: { aliases: [own] } }), [
    `trilithon:https.certificate: expected a certificate for ${own}, got one for ${name}`,
  ]);
});

test("HTTP/3 is on or off", (t) => {
  t.deepEqual(told({ https: { ownCa: true, http3: true } }), []);
  t.deepEqual(told({ https: { ownCa: true, http3: "h3" } }), [
    'trilithon:https.http3: expected true or false, got "h3"',
  ]);
});
