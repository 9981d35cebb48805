/** `Hardening` as another program has it. */
import test from "ava";
import { mockPulumi, settle } from "./mocks";
import { plain } from "./run-stack";

const program = run();

async function run() {
  const world = await mockPulumi({});
  const { Hardening } = await import("../../components/hardening");
  const { makeHost } = await import("./hosts-for-tests");
  const pulumi = await import("@pulumi/pulumi");
  const one = makeHost("one", "10.0.0.1");
  const ecdsa = { ...one.host, name: "two", hostKey: "ecdsa-sha2-nistp256 AAAA" };
  const two = { ...makeHost("two", "10.0.0.2"), host: ecdsa };
  const servers = pulumi.output(["10.0.0.5"]);
  const rawLines = [pulumi.output("ClientAliveInterval 60")];
  new Hardening("safe", { hosts: [one, two], sshd: { rawLines }, time: { servers } });
  await settle();
  const make = (args: object) => () => new Hardening("wrong", { hosts: [one], ...args });
  return { world, make };
}

async function fileOf(service: string, path: string): Promise<string> {
  const { world } = await program;
  const { files } = world.find("trilithon:index:Service", service).inputs;
  return plain(Object(files)[path].content);
}

test("what is known later stands in the files", async (t) => {
  t.regex(await fileOf("safe-one-time", "/etc/chrony/chrony.conf"), /^server 10\.0\.0\.5 iburst$/m);
  const path = "/etc/ssh/sshd_config.d/00-trilithon.conf";
  t.regex(await fileOf("safe-one-sshd", path), /^ClientAliveInterval 60$/m);
  t.regex(await fileOf("safe-one-sshd", path), /^HostKeyAlgorithms /m);
  t.notRegex(await fileOf("safe-two-sshd", path), /^HostKeyAlgorithms /m);
});

test("a part that is not named does not come, and a wrong one is refused", async (t) => {
  const { world, make } = await program;
  t.false(world.resources.some(({ name }) => name.endsWith("-kernel")));
  t.throws(make({ kernel: false }), {
    message: "Hardening wrong: kernel: expected true or an object with settings, got false",
  });
  t.throws(make({ hosts: [] }), { message: /^Hardening wrong: hosts: expected a list of hosts/ });
});
