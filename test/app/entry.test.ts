import test from "ava";
import { maxMessageLength, parseEntry } from "../../app/entry";

const fresh = "00000000-0000-4000-8000-000000000000";
const parse = (fields: object) => parseEntry(fields, () => fresh);

test("cleans what was sent", (t) => {
  const { entry, faults } = parse({
    submission: "F59E3E92-3AA6-423D-8F9B-44DF98287FDF",
    name: "  Ada \t Lovelace\u202e ",
    message: "one\r\ntwo\n\n\n\n\nthree\0 \n",
  });
  t.deepEqual(faults, {});
  t.deepEqual(entry, {
    submission: "f59e3e92-3aa6-423d-8f9b-44df98287fdf",
    name: "Ada Lovelace",
    message: "one\ntwo\n\nthree",
  });
});

test("says what is missing, in every field at once", (t) => {
  t.deepEqual(parse({ name: " \n ", message: 5 }).faults, {
    name: "Please give a name.",
    message: "Please write a few words.",
  });
});

test("says how long is too long, counting as a reader does", (t) => {
  t.deepEqual(parse({ name: "a", message: "🌍".repeat(maxMessageLength) }).faults, {});
  t.is(
    parse({ name: "a", message: "🌍".repeat(maxMessageLength + 1) }).faults.message,
    "Please keep it to 1000 characters: there are 1001.",
  );
});

test("a submission that is none is made anew", (t) => {
  t.is(parse({ submission: "'; DROP TABLE" }).entry.submission, fresh);
});

test("half an emoji does not reach the database", (t) => {
  t.is(parse({ name: "a\ud83c", message: "b" }).entry.name, "a\ufffd");
});
