import test from "ava";
import { parseRate } from "../../../benchmark/traffic/wrk";

const said = `Running 5s test @ http://172.31.90.11/
  1 threads and 16 connections
  6160 requests in 5.01s, 30.01MB read
Requests/sec:   1229.73
Transfer/sec:      5.99MB
`;

test("reads the rate", (t) => {
  t.is(parseRate(said), 1229.73);
});

test("answers that failed are no rate", (t) => {
  const failed = said.replace("Requests/sec", "  Non-2xx or 3xx responses: 3\nRequests/sec");
  t.throws(() => parseRate(failed), { message: "wrk: Non-2xx or 3xx responses: 3" });
  const cut = said.replace(
    "Requests/sec",
    "  Socket errors: connect 0, read 2, write 0, timeout 0\nRequests/sec",
  );
  t.throws(() => parseRate(cut), { message: /^wrk: Socket errors: / });
  t.throws(() => parseRate("nothing"), { message: /expected requests per second/ });
});
