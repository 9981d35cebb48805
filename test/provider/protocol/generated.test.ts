import test from "ava";
import { anyKind } from "../../../provider/kind";
import { certificateAuthority } from "../../../provider/kinds/certificate-authority";
import { TestPlugin } from "../../support/plugin";
import { TestResource } from "../../support/resource";

test("what lives in the state alone says why it is made anew, and nothing when it is first made", async (t) => {
  const plugin = await TestPlugin.start({ kinds: [anyKind(certificateAuthority)] });
  const { now } = Date;
  t.teardown(() => {
    Date.now = now;
    return plugin.stop();
  });
  const resource = new TestResource(plugin, { type: "trilithon:index:CertificateAuthority" });
  const inputs = { name: "cluster one" };
  t.deepEqual((await resource.up(inputs)).told, []);
  t.deepEqual((await resource.preview(inputs)).told, []);
  // This file has no other test that could see it.
  Date.now = () => now() + 21 * 365 * 24 * 3600 * 1000;
  const { diff, told } = await resource.preview(inputs);
  t.true(diff?.hasChanges);
  t.regex(told.join(), /^renew an authority: it ends on 20\d\d-\d\d-\d\d \[drift\]$/);
  t.deepEqual((await resource.up(inputs)).told, told);
  t.false((await resource.preview(inputs)).diff?.hasChanges);
});
