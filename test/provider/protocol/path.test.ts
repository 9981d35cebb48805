import test from "ava";
import { renderPath } from "../../../provider/protocol/path";

const cases: [path: string[], rendered: string][] = [
  [[], ""],
  [["state"], "state"],
  [["host", "name"], "host.name"],
  [["files", "/etc/haproxy/haproxy.cfg", "content"], 'files["/etc/haproxy/haproxy.cfg"].content'],
  [["absent", "0"], "absent[0]"],
  [["packages", "libc6-dev"], 'packages["libc6-dev"]'],
  [["files", 'a"b'], 'files["a\\"b"]'],
  [["/etc/x", "y"], '["/etc/x"].y'],
  [["users", "_apt"], "users._apt"],
];

for (const [path, rendered] of cases) {
  test(`a path is rendered as ${rendered || "nothing"}`, (t) => t.is(renderPath(path), rendered));
}
