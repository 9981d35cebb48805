import test from "ava";
import { isPasswordOf, shaCrypt } from "../../../../provider/kinds/mysql/password-hash";

/** hashcat's example of mode 7401, which is MySQL's own form. */
const salt = Buffer.from("F9CC98CE08892924F50A213B6BC571A2C11778C5", "hex");
const digest = Buffer.from(
  "625479393559393965414D45316477456B484F41316E64484742577A2E3162785353526B7554584647562F",
  "hex",
);
const stored = Buffer.concat([Buffer.from("$A$005$"), salt, digest]);

test("a password is told from what MySQL keeps of it", (t) => {
  t.true(isPasswordOf("hashcat", stored));
  t.false(isPasswordOf("hashcats", stored));
  t.false(isPasswordOf("", stored));
});

test("what is of another plugin is not judged", (t) => {
  t.is(
    isPasswordOf("hashcat", Buffer.from("*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19")),
    undefined,
  );
  t.is(isPasswordOf("hashcat", Buffer.alloc(0)), undefined);
});

test("it is SHA-crypt: short and long passwords, as openssl passwd -5 has them", (t) => {
  const of = (password: string) => shaCrypt(password, Buffer.from("saltsalt"), 5000);
  t.is(of("pw"), "0rl.MZtoLLPP3X0Rdl8riRnphIcAXJY27/aOAyK2hB5");
  t.is(
    of("it is longer than one digest of 32 bytes, and has an é in it"),
    "3XLfaw.x463ZC0VP/ZcvP4vZmdcAg2cY2.VtyzgggL0",
  );
});
