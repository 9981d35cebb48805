import test from "ava";
import { hostsServing, ofApplication } from "../../../scripts/operate/hosts";
import { parseEndpoints, serviceOf } from "../../../scripts/verify/endpoints";
import { severalOutput } from "../verify/sample";

const outputs = { endpoints: parseEndpoints(severalOutput) };
const seenBy = (name?: string) => ofApplication(outputs, name).endpoints;

test("a command is for the first application, or for the one that is named, on its hosts", (t) => {
  const unitsOf = (name?: string) =>
    hostsServing(seenBy(name), "application", undefined).map((host) => [
      host.name,
      serviceOf(host, "application")?.unit,
    ]);
  t.deepEqual(unitsOf(), [
    ["web-01", "guestbook.service"],
    ["web-02", "guestbook.service"],
  ]);
  t.deepEqual(unitsOf("blog"), [["web-02", "blog.service"]]);
});

test("an application that is none is refused with those that are", (t) => {
  t.throws(() => seenBy("news"), {
    message: '--application: expected one of guestbook, shop, blog, got "news"',
  });
  t.throws(() => hostsServing(seenBy("blog"), "application", "web-01"), {
    message: "web-01: it has no application: expected one of web-02",
  });
});
