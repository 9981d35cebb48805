import test from "ava";
import { parseUpdates } from "../../../scripts/maintenance/updates";

test("apt's simulation says which packages change, and what is for security", (t) => {
  const text = `NOTE: This is only a simulation!
Inst nginx [1.30.1-2] (1.30.3-1 Debian:sid/unstable [amd64])
Inst libc6:i386 [2.41-1] (2.41-2 Debian-Security:13/stable-security [i386]) []
Inst openssl [3.0.2-0ubuntu1] (3.0.2-0ubuntu1.1 Ubuntu:22.04/jammy-updates, Ubuntu:22.04/jammy-security [amd64])
Inst own [1] (2 [all])
Inst brand-new (1.0 Debian:sid/unstable [amd64])
Conf nginx (1.30.3-1 Debian:sid/unstable [amd64])
`;
  t.deepEqual(parseUpdates(text), [
    { name: "nginx", from: "1.30.1-2", to: "1.30.3-1", isSecurity: false },
    { name: "libc6:i386", from: "2.41-1", to: "2.41-2", isSecurity: true },
    { name: "openssl", from: "3.0.2-0ubuntu1", to: "3.0.2-0ubuntu1.1", isSecurity: true },
    { name: "own", from: "1", to: "2", isSecurity: false },
  ]);
});
