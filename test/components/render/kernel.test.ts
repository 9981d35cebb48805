import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import test from "ava";
import {
  kernelFiles,
  renderKernelScript,
  renderKernelSettings,
  renderKernelUnit,
} from "../../../components/render/kernel";
import { isGolden } from "./golden";

test("the settings, each with its reason, and what loads them", (t) => {
  isGolden(t, "kernel.conf", renderKernelSettings());
  isGolden(t, "kernel.sh", renderKernelScript());
  isGolden(t, "trilithon-kernel.service", renderKernelUnit());
});

test("a setting of the stack takes the place of ours, and a reason without settings goes", (t) => {
  const text = renderKernelSettings({ "fs.suid_dumpable": 2, "vm.swappiness": 10 });
  t.deepEqual(text.match(/^fs\.suid_dumpable.*$/gm), ["fs.suid_dumpable = 2"]);
  t.notRegex(text, /leaves no memory on the disk/);
  t.true(text.endsWith("fs.suid_dumpable = 2\nvm.swappiness = 10\n"));
});

/** The script, with a folder in place of the kernel. */
function ask(kernel: Readonly<Record<string, string>>, config: string, what: string): string {
  const folder = mkdtempSync(join(tmpdir(), "kernel-"));
  for (const [path, value] of Object.entries(kernel)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), `${value}\n`);
  }
  const file = join(folder, "config");
  writeFileSync(file, config);
  const script = renderKernelScript()
    .replaceAll(kernelFiles.config, file)
    .replaceAll("/proc/sys/", `${folder}/`);
  const path = join(folder, "script");
  writeFileSync(path, script);
  chmodSync(path, 0o755);
  return execFileSync("sh", [path, what], { encoding: "utf8" });
}

test("what differs is told, of each interface by itself; what the kernel does not have is left", (t) => {
  const kernel = {
    "net/ipv4/conf/eth0/accept_redirects": "1",
    "net/ipv4/conf/lo/accept_redirects": "0",
    "net/ipv4/ip_local_port_range": "32768\t60999",
    "vm/swappiness": "60",
  };
  const config = `# A comment = 1
net.ipv4.conf.*.accept_redirects = 0
net.ipv4.ip_local_port_range = 32768 60999
kernel.yama.ptrace_scope = 1
vm.swappiness = 10
`;
  t.is(
    ask(kernel, config, "differs"),
    "net.ipv4.conf.eth0.accept_redirects is 1, not 0\nvm.swappiness is 60, not 10\n",
  );
  t.is(ask(kernel, config, "forbidden"), "");
});
