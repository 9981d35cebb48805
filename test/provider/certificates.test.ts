import { spawnSync } from "node:child_process";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, createServer } from "node:tls";
import test from "ava";
import { makeAuthority, makeCertificate } from "../../provider/certificates";
import type { Context } from "../../provider/kind";
import { certificate } from "../../provider/kinds/certificate";
import { certificateAuthority } from "../../provider/kinds/certificate-authority";

const request = { name: "node-01", addresses: ["127.0.0.1", "db.example.com", "2001:db8::1"] };

test("a certificate is its authority's, and names where the server is reached", async (t) => {
  const authority = await makeAuthority("cluster one");
  const made = await makeCertificate({ ...request, authority });
  const [root, own] = [
    new X509Certificate(authority.certificate),
    new X509Certificate(made.certificate),
  ];
  t.true(root.ca);
  t.false(own.ca);
  t.true(own.checkIssued(root));
  t.true(own.verify(root.publicKey));
  t.true(own.checkPrivateKey(createPrivateKey(made.privateKey)));
  t.is(own.checkIP("127.0.0.1"), "127.0.0.1");
  t.is(own.checkHost("db.example.com"), "db.example.com");
  t.is(own.checkIP("2001:db8::1"), "2001:db8::1");
  t.is(own.checkIP("127.0.0.2"), undefined);
  // An authority that ended would take with it what it signed.
  t.true(Date.parse(own.validTo) < Date.parse(root.validTo));
});

test("two servers that know the authority trust each other, and no stranger", async (t) => {
  const authority = await makeAuthority("cluster one");
  const stranger = await makeAuthority("cluster one");
  const own = await makeCertificate({ ...request, authority });
  const server = createServer({
    key: own.privateKey,
    cert: own.certificate,
    ca: authority.certificate,
  });
  server.on("tlsClientError", () => undefined);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const reach = async (ca: string) => {
    const socket = connect({ host: "127.0.0.1", port, ca });
    try {
      await once(socket, "secureConnect");
      return socket.authorized;
    } catch {
      return false;
    } finally {
      socket.destroy();
    }
  };
  t.true(await reach(authority.certificate));
  t.false(await reach(stranger.certificate));
  server.close();
});

test("a renewed authority keeps its key: what it signed stays good", async (t) => {
  const before = await makeAuthority("cluster one");
  const own = new X509Certificate(
    (await makeCertificate({ ...request, authority: before })).certificate,
  );
  const after = await makeAuthority("cluster one", before.privateKey);
  t.not(after.certificate, before.certificate);
  t.true(own.checkIssued(new X509Certificate(after.certificate)));
  t.true(own.verify(new X509Certificate(after.certificate).publicKey));
});

// The kinds use nothing of it.
const context = {} as unknown as Context;

const owner = { project: "p", stack: "s", resource: "r", urn: "u", claim: "c", isNew: false };
const day = 24 * 3600 * 1000;

async function madeAuthority() {
  const wanted = { name: "cluster one", renewal: "not due" as const };
  return { wanted, made: await certificateAuthority.apply([], undefined, wanted, context) };
}

function sentences(
  live: Parameters<typeof certificateAuthority.plan>[0],
  wanted: Parameters<typeof certificateAuthority.plan>[1],
): readonly string[] {
  const steps = certificateAuthority.plan(live, wanted, owner);
  const differs = live === undefined || certificateAuthority.diff(live, wanted).length > 0;
  if (differs !== steps.length > 0) throw new Error("the plan is empty exactly when diff is");
  return steps.map(({ sentence }) => sentence);
}

test("both kinds are made once, and made anew for another name", async (t) => {
  const { wanted, made } = await madeAuthority();
  t.deepEqual(sentences(undefined, wanted), ["make an authority"]);
  const live = await certificateAuthority.read(made, context);
  t.deepEqual(sentences(live, wanted), []);
  t.is(made.trustedCertificates, made.certificate);

  const inputs = {
    ...request,
    authorityCertificate: made.certificate ?? "",
    authorityPrivateKey: made.privateKey ?? "",
    renewal: "not due" as const,
  };
  t.deepEqual(certificate.check({ ...inputs, addresses: [...inputs.addresses] }).failures, []);
  const own = await certificate.apply([], undefined, inputs, context);
  const renewed = await makeAuthority("cluster one", made.privateKey);
  const later = { ...inputs, authorityCertificate: renewed.certificate };
  t.deepEqual(certificate.diff(own, later), []);
  t.is(certificate.diff(own, { ...inputs, addresses: ["127.0.0.2"] }).length, 1);
});

/** As it will be found after some years: a test of its own at that time. */
async function after<Result>(years: number, look: () => Promise<Result>): Promise<Result> {
  const { now } = Date;
  Date.now = () => now() + years * 365.25 * day;
  try {
    return await look();
  } finally {
    Date.now = now;
  }
}

test.serial("what has two thirds of its life behind it is renewed, with the date", async (t) => {
  const { wanted, made } = await madeAuthority();
  const { validTo } = new X509Certificate(made.certificate ?? "");
  const end = new Date(validTo).toISOString().slice(0, 10);
  await after(19.9, async () => {
    t.like(await certificateAuthority.read(made, context), { renewal: "not due" });
    t.deepEqual(sentences(made, wanted), []);
  });
  await after(20.1, async () => {
    t.like(await certificateAuthority.read(made, context), { renewal: "due" });
    // Without a read in between, too.
    t.deepEqual(sentences(made, wanted), [`renew an authority: it ends on ${end}`]);
    const renewed = await certificateAuthority.apply([], made, wanted, context);
    t.is(renewed.privateKey, made.privateKey);
    t.not(renewed.certificate, made.certificate);
    t.is(renewed.trustedCertificates, renewed.certificate);
    t.deepEqual(sentences(renewed, wanted), []);
  });
  const authority = await makeAuthority("cluster one");
  const own = await makeCertificate({ ...request, authority });
  const live = { ...request, renewal: "not due" as const, ...own };
  const rest = { authorityCertificate: "", authorityPrivateKey: "" };
  const due = (years: number) =>
    after(years, async () => certificate.diff({ ...live, ...rest }, { ...live, ...rest }).length);
  t.is(await due(6.6), 0);
  t.is(await due(6.8), 1);
});

test.serial(
  "another authority takes the place of the former one, which is trusted for a week",
  async (t) => {
    const { wanted, made } = await madeAuthority();
    const changed = { ...wanted, keeper: "2" };
    const until = new Date(Date.now() + 7 * day).toISOString().slice(0, 10);
    const [sentence] = sentences(made, changed);
    t.is(sentence, `make another authority: the former one is trusted until ${until} as well`);
    const live = await certificateAuthority.apply([], made, changed, context);
    t.not(live.privateKey, made.privateKey);
    t.is(live.trustedCertificates, `${live.certificate}${made.certificate}`);
    t.deepEqual(sentences(live, changed), []);
    t.deepEqual(await certificateAuthority.foresee?.(made, changed), {});

    await after(8 / 365, async () => {
      const [over] = sentences(live, changed);
      t.is(over, `trust the former authority no longer: it was to be until ${until}`);
      const alone = await certificateAuthority.apply([], live, changed, context);
      t.is(alone.certificate, live.certificate);
      t.like(alone, { trustedCertificates: alone.certificate, crossCertificates: "" });
      t.like(certificateAuthority.foresee?.(live, changed), {
        trustedCertificates: alone.certificate,
      });
      t.deepEqual(sentences(alone, changed), []);
    });

    // Twice within the week: all three are trusted.
    const third = await certificateAuthority.apply([], live, { ...wanted, keeper: "3" }, context);
    t.is(third.trustedCertificates, `${third.certificate}${live.trustedCertificates}`);
    t.is(third.crossCertificates?.match(/BEGIN/g)?.length, 2);
  },
);

test("an authority that was recorded before there was a list of those that are trusted keeps its key", async (t) => {
  const { wanted, made } = await madeAuthority();
  const { trustedCertificates: _, crossCertificates: __, formerUntil: ___, ...older } = made;
  t.deepEqual(sentences(older, wanted), ["record that it alone is trusted"]);
  t.deepEqual(certificateAuthority.foresee?.(older, wanted), {
    ...{ certificate: made.certificate, privateKey: made.privateKey },
    ...{ trustedCertificates: made.certificate, crossCertificates: "", formerUntil: "" },
  });
  t.deepEqual(await certificateAuthority.apply([], older, wanted, context), made);
});

/** `openssl`, as MySQL's clients use it. */
async function isTrusted(trusted: string, sent: string): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), "trilithon-certificates-"));
  const [own = "", ...others] = sent.split(/(?=-----BEGIN)/);
  const files = { trusted, own, others: others.join("") };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  const given = others.length > 0 ? ["-untrusted", "others"] : [];
  const args = ["verify", "-x509_strict", "-CAfile", "trusted", ...given, "own"];
  const { status } = spawnSync("openssl", args, { cwd: folder });
  await rm(folder, { recursive: true });
  return status === 0;
}

test("in whatever order certificates and trust arrive, a server of the new authority and one of the former are trusted", async (t) => {
  const { wanted, made } = await madeAuthority();
  const live = await certificateAuthority.apply([], made, { ...wanted, keeper: "2" }, context);
  const certificateOf = async ({ certificate = "", privateKey = "" }: typeof made) =>
    (await makeCertificate({ ...request, authority: { certificate, privateKey } })).certificate;
  const before = await certificateOf(made);
  const now = `${await certificateOf(live)}${live.crossCertificates}`;
  const [{ certificate: old = "" }, { trustedCertificates: both = "", certificate: own = "" }] = [
    made,
    live,
  ];
  t.true(await isTrusted(old, now));
  t.true(await isTrusted(both, now));
  t.true(await isTrusted(own, now));
  t.true(await isTrusted(both, before));
  t.false(await isTrusted(own, before));
  t.false(await isTrusted(old, await certificateOf(live)));
  const stranger = await makeAuthority("cluster one");
  t.false(await isTrusted(stranger.certificate, now));
});

test.serial("one of so many days is renewed a third of them before its end", async (t) => {
  const authority = await makeAuthority("cluster one");
  const made = await makeCertificate({ ...request, authority, days: 90 });
  const inputs = {
    ...{ ...request, days: 90, renewal: "not due" as const },
    authorityCertificate: authority.certificate,
    authorityPrivateKey: authority.privateKey,
  };
  const renewalAfter = (days: number) =>
    after(
      days / 365.25,
      async () => (await certificate.read({ ...inputs, ...made }, context))?.renewal,
    );
  t.is(await renewalAfter(59), "not due");
  t.is(await renewalAfter(61), "due");
  const days = Date.parse(new X509Certificate(made.certificate).validTo) - Date.now();
  t.is(Math.round(days / 86_400_000), 90);
});
