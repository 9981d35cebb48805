import { X509Certificate } from "node:crypto";
import test from "ava";
import { renderTrust } from "../../../scripts/trust/render";
import { makePem } from "../../support/pem";

const authority = makePem({ names: ["www.foobar.com"], isAuthority: true });

test("says whom to trust, and how systems are told", async (t) => {
  const { certificate: ca } = await authority;
  const text = renderTrust({ stack: "dev", domain: "www.foobar.com", ca, file: "root.pem" });
  t.regex(text, /^The authority of stack dev: www\.foobar\.com authority\n/);
  t.true(text.includes(new X509Certificate(ca).fingerprint256));
  t.regex(text, /cp root\.pem \/usr\/local\/share\/ca-certificates\/www\.foobar\.com\.crt && /);
  t.regex(
    text,
    /Chromium on Linux +certutil -d sql:\S+ -A -t C,, -n www\.foobar\.com -i root\.pem +#/,
  );
  t.notRegex(text, /BEGIN|FILE/);
});

test("without a file the certificate itself is printed", async (t) => {
  const { certificate: ca } = await authority;
  const text = renderTrust({ stack: "dev", domain: "www.foobar.com", ca, file: undefined });
  t.true(text.startsWith(ca));
  t.regex(text, /\nFILE: npm run trust -- --stack dev --output FILE writes it\.\n$/);
});
