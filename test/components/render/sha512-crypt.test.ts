import test from "ava";
import { saltOf, sha512Crypt } from "../../../components/render/sha512-crypt";

/** The first is of the specification, the others are what `openssl passwd -6` says. */
const known: readonly (readonly [password: string, salt: string, hash: string])[] = [
  [
    "Hello world!",
    "saltstring",
    "svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
  ],
  [
    "geheim",
    "abcdefghij012345",
    "kUjt6Si76xfX1EC.e0abvQh6EINaZO7W2xfqxsXM6mzRfqmJESdeAQoepI45H6oiCyVKTRXBj0GrvYOcxPPol0",
  ],
  [
    "a".repeat(100),
    "x",
    "WpTAO0OCjrfq5WnqjJEljeDvcsu0PNdWCxGeUJLDmClf1Zt0W.xoNd1qL42H0.kWnv4lgR66OqWGYd8pDW6v41",
  ],
  [
    "correct horse battery",
    "./Az09",
    "QQBBMz6nImoe10hirFyPByTrnEshTGj0ySEiELRjhnYaK0blz0n21OwYYzTqW4oiALVt4y2hbZzo8nSgi2yiz0",
  ],
];

test("a password is hashed as crypt(3) does it", (t) => {
  for (const [password, salt, hash] of known) {
    t.is(sha512Crypt(password, salt), `$6$${salt}$${hash}`);
  }
});

test("a salt is the same for the same words, and in letters that crypt(3) takes", (t) => {
  t.is(saltOf("a", "b"), saltOf("a", "b"));
  t.not(saltOf("a", "b"), saltOf("a", "c"));
  t.not(saltOf("a", "b"), saltOf("ab", ""));
  t.regex(saltOf("a", "b"), /^[./0-9A-Za-z]{16}$/);
});
