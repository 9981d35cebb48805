import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import test from "ava";
import {
  checkSameOrigin,
  HttpError,
  parseCount,
  parseLastWrite,
  readFields,
  renderLastWrite,
  requestIdOf,
  schemeOf,
} from "../../app/request";

function request(headers: Record<string, string>, body = ""): IncomingMessage {
  const message = new IncomingMessage(new Socket());
  Object.assign(message.headers, headers);
  message.push(body);
  message.push(null);
  return message;
}

const origins: readonly (readonly [string, Record<string, string>, boolean])[] = [
  ["a browser on this site", { "sec-fetch-site": "same-origin", origin: "http://x:8080" }, true],
  ["a browser on another site", { "sec-fetch-site": "cross-site" }, false],
  ["a browser on a sibling's site", { "sec-fetch-site": "same-site" }, false],
  ["an older browser on this site", { origin: "http://book:8080", host: "book:8080" }, true],
  ["one behind a proxy that drops the port", { origin: "http://book:8080", host: "book" }, true],
  ["an older browser on another site", { origin: "http://evil", host: "book" }, false],
  ["another port of this host", { origin: "http://book:9", host: "book:8080" }, false],
  ["a page without an origin", { origin: "null", host: "book" }, false],
  ["a program", { host: "book" }, true],
];

for (const [who, headers, isAllowed] of origins) {
  test(`${who} ${isAllowed ? "may" : "may not"} write`, (t) => {
    const check = () => checkSameOrigin(request(headers));
    if (isAllowed) t.notThrows(check);
    else t.is(t.throws(check, { instanceOf: HttpError }).status, 403);
  });
}

test("the cookie of the last write comes back as it was", (t) => {
  const uuid = "df00eef4-e76c-11f1-859b-0242ac1f6315";
  const written = { id: 12, host: "web-01", gtid: `${uuid}:1-5:7,${uuid.replace("df", "ee")}:1` };
  const cookie = renderLastWrite(written, "http").split(";")[0];
  t.notRegex(cookie ?? "", /[,\s]/);
  t.deepEqual(parseLastWrite(`a=b; ${cookie}; c=d`), written);
});

test("a cookie that came by TLS is sent by TLS alone", (t) => {
  const written = { id: 1, host: "web-01", gtid: "3e11fa47-71ca-11e1-9e33-c80aa9429562:1" };
  const cookieOf = (headers: Record<string, string>) =>
    renderLastWrite(written, schemeOf(request(headers)));
  t.regex(cookieOf({ "x-forwarded-proto": "https" }), /; Secure$/);
  t.notRegex(cookieOf({ "x-forwarded-proto": "http" }), /Secure/);
  t.notRegex(cookieOf({}), /Secure/);
});

for (const cookie of [undefined, "", "wrote=", "wrote=1/h/x", "wrote=1/<h>/x:1", "other=1/h/x"]) {
  test(`no last write is read from ${cookie}`, (t) => t.is(parseLastWrite(cookie), undefined));
}

test("reads a form and JSON alike", async (t) => {
  const form = request(
    { "content-type": "application/x-www-form-urlencoded; charset=utf-8" },
    "name=Ada+L&message=%F0%9F%8C%8D",
  );
  t.deepEqual(await readFields(form), { name: "Ada L", message: "🌍" });
  const json = request({ "content-type": "application/json" }, `{"name":"Ada"}`);
  t.deepEqual(await readFields(json), { name: "Ada" });
});

const refused: readonly (readonly [string, Record<string, string>, string, number])[] = [
  ["no type", {}, "a=b", 415],
  ["broken JSON", { "content-type": "application/json" }, "{", 400],
  ["a JSON list", { "content-type": "application/json" }, "[]", 400],
  ["too much", { "content-type": "application/json" }, `"${"x".repeat(40_000)}"`, 413],
];

for (const [what, headers, body, status] of refused) {
  test(`refuses ${what} with ${status}`, async (t) => {
    const error = await t.throwsAsync(readFields(request(headers, body)), {
      instanceOf: HttpError,
    });
    t.is<number, number>(error.status, status);
  });
}

test("a count is a whole number in its bounds", (t) => {
  t.is(parseCount(new URLSearchParams("limit=20"), "limit", 200), 20);
  t.is(parseCount(new URLSearchParams(), "limit", 200), undefined);
  const error = t.throws(() => parseCount(new URLSearchParams("limit=999"), "limit", 200));
  t.is(error.message, 'limit: expected a whole number from 1 to 200, got "999"');
});

test("a request's id is one word, or none", (t) => {
  const id = (value: string) => requestIdOf(request({ "x-request-id": value }));
  t.is(id("7f0a-11"), "7f0a-11");
  t.is(id("a b"), undefined);
  t.is(id("a".repeat(65)), undefined);
  t.is(requestIdOf(request({})), undefined);
});
