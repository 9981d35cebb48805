/** What a stack's hosts get of `hardening`. */
import test from "ava";
import { plain, runStack } from "./run-stack";

const program = runStack({
  domain: "www.foobar.com",
  hosts: ["lb-01", "web-01"].map((name, index) => ({
    ...{
      name,
      address: `10.0.0.1${index + 1}`,
      hostKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl",
    },
    roles: name === "lb-01" ? ["load-balancer"] : ["web"],
  })),
  privateKey: "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
  packages: { allowRemoval: ["exim4"] },
  application: { name: "press", source: "./test/components/render", start: ["node", "server.js"] },
  hardening: {
    sshd: { rawLines: ["ClientAliveInterval 60"] },
    kernel: true,
    time: { servers: ["10.0.0.5"] },
  },
});

async function inputsOf(type: string, name: string) {
  const { world } = await program;
  return Object(world.find(`trilithon:index:${type}`, name).inputs);
}

test("sshd reloads its file after a check, and only as long as a new connection gets in", async (t) => {
  const { unit, files, check, onChange, confirmSeconds } = await inputsOf(
    "Service",
    "hardening-web-01-sshd",
  );
  t.deepEqual(
    { unit, check, onChange, confirmSeconds },
    {
      ...{ unit: "ssh.service", check: ["/usr/local/sbin/trilithon-sshd", "check"] },
      ...{ onChange: "reload", confirmSeconds: 20 },
    },
  );
  const { content } = Object(files)["/etc/ssh/sshd_config.d/00-trilithon.conf"];
  t.regex(plain(content), /^PasswordAuthentication no$(.|\n)*^ClientAliveInterval 60$/m);
});

test("chrony takes the place of systemd-timesyncd alone, and asks the servers of the settings", async (t) => {
  const { packages, allowRemoval } = await inputsOf("Packages", "hardening-lb-01-time-packages");
  t.deepEqual(packages, { chrony: "present" });
  t.deepEqual(allowRemoval, ["exim4", "systemd-timesyncd"]);
  const { files } = await inputsOf("Service", "hardening-lb-01-time");
  t.regex(plain(Object(files)["/etc/chrony/chrony.conf"].content), /^server 10\.0\.0\.5 iburst$/m);
});

test("the kernel's settings are loaded by a unit, and `endpoints` has what tells of all", async (t) => {
  const { unit, overrides } = await inputsOf("Service", "hardening-web-01-kernel");
  t.is(unit, "trilithon-kernel.service");
  t.deepEqual(overrides, {
    find: ["/usr/local/sbin/trilithon-kernel", "differs"],
    reset: ["systemctl", "reload", "trilithon-kernel.service"],
  });
  const { told } = await program;
  t.deepEqual(told.hardening, {
    sshdCommand: "/usr/local/sbin/trilithon-sshd",
    kernelCommand: "/usr/local/sbin/trilithon-kernel",
    time: true,
  });
});
