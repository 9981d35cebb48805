import test from "ava";
import { findOpenVariables } from "../../components/settings/open-variables";

const variables = { LOG: "debug", WORKERS: 4, FAST: true, TOKEN: "planted" };
const file = (environment: string) =>
  `encryptionsalt: v1:x\nconfig:\n  trilithon:application:\n    source: ./shop\n    environment: ${environment}\n`;
const secure = "{secure: 'v1:abc:def'}";

const cases: readonly (readonly [string, string | undefined, readonly string[]])[] = [
  [
    "hides only the secret one",
    file(`{LOG: debug, WORKERS: 4, FAST: true, TOKEN: ${secure}}`),
    ["LOG", "WORKERS", "FAST"],
  ],
  ["takes a number that is written as a text", file(`{WORKERS: "4"}`), ["WORKERS"]],
  ["hides one that the file does not have", file("{LOG: debug}"), ["LOG"]],
  ["hides one that has another value", file("{LOG: info, TOKEN: other}"), []],
  ["hides a secret, and what the file does not have", file(`{TOKEN: ${secure}}`), []],
  ["hides all where the variables are one secret", file(secure), []],
  [
    "hides all where the application is one secret",
    `config: {trilithon:application: ${secure}}`,
    [],
  ],
  ["hides all where another program's application has them", "config: {shop:application: {}}", []],
  ["hides all where the file cannot be read", "config: [}", []],
  ["hides all where the file is empty", "", []],
  ["hides all where there is no file", undefined, []],
  [
    "knows JSON",
    JSON.stringify({ config: { "trilithon:application": { environment: variables } } }),
    ["LOG", "WORKERS", "FAST", "TOKEN"],
  ],
];

for (const [title, text, open] of cases) {
  test(title, (t) => t.deepEqual(findOpenVariables(variables, text), open));
}

test("one that is made of what is known of the database is hidden where its text is", (t) => {
  const made = { URL: { database: "url" }, HOST: { database: "{host}?key=planted" } };
  const text = file(`{URL: {database: url}, HOST: {database: ${secure}}}`);
  t.deepEqual(findOpenVariables(made, text), ["URL"]);
  t.deepEqual(findOpenVariables(made, file("{URL: url}")), []);
});

test("a variable that is called as a property of every object is none in the file", (t) => {
  t.deepEqual(findOpenVariables({ constructor: "x", toString: "y" }, file("{A: b}")), []);
});
