import test from "ava";
import { show, unknownKey } from "../../components/expectation";

test("a wrong key is told with the one that was probably meant", (t) => {
  const known = ["name", "address", "roles", "hostKey"];
  t.deepEqual(
    ["nmae", "adress", "role", "hostkey", "x"].map((key) => unknownKey(key, known)),
    [
      'unknown, did you mean "name"?',
      'unknown, did you mean "address"?',
      'unknown, did you mean "roles"?',
      'unknown, did you mean "hostKey"?',
      "unknown, expected one of name, address, roles, hostKey",
    ],
  );
});

test("values are shown as they were written, in short", (t) => {
  t.deepEqual([undefined, null, 7, true, "a\nb", [], [1], {}, "x".repeat(99)].map(show), [
    "nothing",
    "nothing",
    "7",
    "true",
    '"a\\nb"',
    "an empty list",
    "a list",
    "an object",
    `"${"x".repeat(57)}..."`,
  ]);
});
