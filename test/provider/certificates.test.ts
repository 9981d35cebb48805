import { createPrivateKey, X509Certificate } from "node:crypto";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { connect, createServer } from "node:tls";
import test from "ava";
import { makeAuthority, makeCertificate } from "../../provider/certificates";
import type { Context } from "../../provider/kind";
import { certificate } from "../../provider/kinds/certificate";
import { certificateAuthority } from "../../provider/kinds/certificate-authority";

const request = { name: "node-01", addresses: ["127.0.0.1", "db.example.com"] };

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

test("both kinds are made once, renewed in time, and made anew for another name", async (t) => {
  const owner = { project: "p", stack: "s", resource: "r", urn: "u", claim: "c", isNew: false };
  const wanted = { name: "cluster one", renewal: "not due" as const };
  const [step] = certificateAuthority.plan(undefined, wanted, owner);
  t.is(step?.sentence, "make an authority");
  const made = await certificateAuthority.apply([], undefined, wanted, context);
  const live = await certificateAuthority.read(made, context);
  t.deepEqual(live && certificateAuthority.diff(live, wanted), []);
  const due = { ...made, renewal: "due" as const };
  const [renewal] = certificateAuthority.plan(due, wanted, owner);
  t.regex(renewal?.sentence ?? "", /^renew an authority: it ends on 20\d\d-\d\d-\d\d$/);
  t.regex(
    renewal?.warning ?? "",
    /^an authority for cluster one ends on 20\d\d-\d\d-\d\d: it is renewed$/,
  );
  const renewed = await certificateAuthority.apply([], due, wanted, context);
  t.is(renewed.privateKey, made.privateKey);
  t.not(renewed.certificate, made.certificate);
  const other = await certificateAuthority.apply([], made, { ...wanted, name: "two" }, context);
  t.not(other.privateKey, made.privateKey);

  const inputs = {
    ...request,
    authorityCertificate: made.certificate ?? "",
    authorityPrivateKey: made.privateKey ?? "",
    renewal: "not due" as const,
  };
  t.deepEqual(certificate.check({ ...inputs, addresses: [...inputs.addresses] }).failures, []);
  const own = await certificate.apply([], undefined, inputs, context);
  t.deepEqual(
    certificate.diff(own, { ...inputs, authorityCertificate: renewed.certificate ?? "" }),
    [],
  );
  t.is(certificate.diff(own, { ...inputs, addresses: ["127.0.0.2"] }).length, 1);
});

test("what ends soon is due", async (t) => {
  // Good for 10 years, which is less than an authority needs to outlive what it signs.
  const authority = await makeAuthority("cluster one");
  const short = await makeCertificate({ ...request, authority });
  const wanted = { name: "cluster one", renewal: "not due" as const };
  t.like(await certificateAuthority.read({ ...wanted, ...short }, context), { renewal: "due" });
  t.like(await certificateAuthority.read({ ...wanted, ...authority }, context), {
    renewal: "not due",
  });
});

test("one of so many days is renewed a third of them before its end", async (t) => {
  const authority = await makeAuthority("cluster one");
  const of = async (days: number, left: number) => {
    // Made so long ago that it has so many days left.
    const made = await makeCertificate({ ...request, authority, days: left });
    const inputs = {
      ...{ ...request, days, renewal: "not due" as const },
      authorityCertificate: authority.certificate,
      authorityPrivateKey: authority.privateKey,
    };
    return (await certificate.read({ ...inputs, ...made }, context))?.renewal;
  };
  t.is(await of(365, 123), "not due");
  t.is(await of(365, 121), "due");
  t.is(await of(90, 31), "not due");
  t.is(await of(90, 29), "due");
  const short = await makeCertificate({ ...request, authority, days: 365 });
  const days = Date.parse(new X509Certificate(short.certificate).validTo) - Date.now();
  t.is(Math.round(days / 86_400_000), 365);
});
