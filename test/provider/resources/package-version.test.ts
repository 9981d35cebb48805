import test from "ava";
import { version } from "../../../package.json";
import { packageVersion, withPackageVersion } from "../../../provider/resources/package-version";

test("resources name the version of the package that they came with", (t) => {
  t.is(packageVersion, version);
  t.deepEqual(withPackageVersion(undefined), { version });
  t.like(withPackageVersion({ protect: true }), { version, protect: true });
});

test("a version that the program names is left alone", (t) => {
  t.is(withPackageVersion({ version: "9.9.9" }).version, "9.9.9");
});
