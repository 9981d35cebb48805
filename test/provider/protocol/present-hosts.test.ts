import test from "ava";
import { withPresentHosts } from "../../../provider/protocol/present-hosts";

const reached = (privateKey: string) => ({ name: "web-01", hostKey: "ssh-ed25519 A", privateKey });

test("a host is reached as the program said last, also that of a cluster's member", (t) => {
  const recorded = {
    host: reached("former"),
    members: { "web-01": { host: reached("former"), port: 3306 } },
    status: { "web-01": { host: "as it was read" } },
  };
  const inputs = {
    host: reached("present"),
    members: {
      "web-01": { host: reached("present"), port: 1 },
      "web-02": { host: reached("present"), port: 3306 },
    },
    status: { "web-01": { host: "as it is to be" } },
  };
  t.deepEqual(withPresentHosts(recorded, inputs), {
    ...recorded,
    host: reached("present"),
    members: { "web-01": { host: reached("present"), port: 3306 } },
  });
  t.deepEqual(withPresentHosts(recorded, {}), recorded);
  t.deepEqual(withPresentHosts({}, { host: reached("present") }), { host: reached("present") });
});
