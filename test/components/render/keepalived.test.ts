import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { renderAddressScript } from "../../../components/render/address-script";
import {
  renderCheck,
  renderKeepalived,
  renderKeepalivedUnit,
} from "../../../components/render/keepalived";
import { isGolden } from "./golden";

const config = {
  hostName: "lb-02",
  address: "172.31.64.12",
  place: 1,
  peers: ["172.31.64.11"],
  others: ["172.31.64.21:80", "172.31.64.11:80"],
  virtualAddress: "172.31.64.10",
};
const script = {
  hostName: "lb-02",
  address: "172.31.64.12",
  peers: ["172.31.64.11"],
  port: 80,
  mark: "0123456789abcdef",
  virtualAddress: "172.31.64.10",
  onMove: undefined,
};

test("renders the configuration of the second of two load balancers", (t) => {
  isGolden(t, "keepalived.conf", renderKeepalived(config));
});

test("renders the script of the unit and of previews", (t) => {
  isGolden(t, "trilithon-address", renderAddressScript(script));
});

test("renders the check", (t) => {
  isGolden(t, "trilithon-check", renderCheck(80));
});

test("renders the unit's additions", (t) => {
  isGolden(t, "keepalived.service.conf", renderKeepalivedUnit());
});

test("one load balancer alone announces as well, as its way to do so must not change with the second one", (t) => {
  const text = renderKeepalived({ ...config, peers: [], others: [] });
  t.regex(text, /unicast_peer \{\n {8}224\.0\.0\.18\n/);
  t.notRegex(text, /reaches_others/);
});

test("the later in the list, the later a host takes over, and no host gets a priority that is none", (t) => {
  const priorities = [0, 1, 2, 30].map((place) => {
    const [, text] = /^ {4}priority (\d+)$/m.exec(renderKeepalived({ ...config, place })) ?? [];
    return Number(text);
  });
  t.deepEqual(priorities, [254, 239, 224, 181]);
});

test("without a shared address one load balancer is in charge all the same", (t) => {
  const text = renderKeepalived({ ...config, virtualAddress: undefined });
  t.regex(text, /virtual_ipaddress \{\n {8}127\.0\.0\.51\/32 dev lo\n/);
  t.regex(text, /notify "\/etc\/keepalived\/trilithon-address moved"/);
});

const folder = mkdtempSync(join(tmpdir(), "trilithon-keepalived-"));
test.after.always(() => rmSync(folder, { recursive: true, force: true }));

function write(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  chmodSync(path, 0o755);
  return path;
}

/** The scripts with their files below a folder of the test's own. */
function here(text: string): string {
  return text.replaceAll("/run/trilithon", folder);
}

test.serial(
  "the command of the program is run where the address came to, with its words as they are",
  (t) => {
    const onMove = [
      "sh",
      "-c",
      'echo "$1 $HOST_NAME $HOST_ADDRESS $VIRTUAL_ADDRESS"',
      "x",
      "it's $HOME",
    ];
    // Without systemd: the rest of the words is run.
    write("systemd-cat", `#!/bin/sh\nshift 2\nexec "$@"\n`);
    write("sleep", "#!/bin/sh\n");
    const text = here(renderAddressScript({ ...script, onMove }));
    const path = write("moved", text.replace(" PATH=", ` PATH=${folder}:`));
    const run = (state: string) =>
      execFileSync("sh", [path, "moved", "INSTANCE", "load_balancer", state, "239"], {
        encoding: "utf8",
      });
    t.is(run("MASTER"), "it's $HOME lb-02 172.31.64.12 172.31.64.10\n");
    t.is(run("BACKUP"), "");
  },
);

test.serial(
  "a command of the program that failed to the end is told until it succeeds, or another host has its turn",
  (t) => {
    write("systemd-cat", `#!/bin/sh\nshift 2\nexec "$@"\n`);
    write("sleep", "#!/bin/sh\n");
    write("nft", "#!/bin/sh\necho elements\n");
    const say = (result: string) => {
      const onMove = ["sh", "-c", `echo tried; ${result}`];
      const text = here(renderAddressScript({ ...script, virtualAddress: undefined, onMove }));
      return write(`on-move-${result.length}`, text.replace(" PATH=", ` PATH=${folder}:`));
    };
    const run = (path: string, ...words: readonly string[]) =>
      spawnSync("sh", [path, ...words], { encoding: "utf8" }).stdout;
    const moved = (path: string, state: string) =>
      run(path, "moved", "INSTANCE", "load_balancer", state, "239");
    const [fails, succeeds] = [say("false"), say(":")];
    const told =
      "the command onMove failed (journalctl -t trilithon-on-move), and visitors may be led elsewhere\n";
    t.is(moved(fails, "MASTER"), "tried\n".repeat(5));
    t.is(run(fails, "tell"), told);
    t.is(moved(succeeds, "MASTER"), "tried\n");
    t.is(run(succeeds, "tell"), "");
    moved(fails, "MASTER");
    t.is(run(fails, "tell"), told);
    moved(fails, "BACKUP");
    t.is(run(fails, "tell"), "");
  },
);

test.serial(
  "says whether this host is in charge, and whether visitors are led here by now",
  (t) => {
    write("systemd-cat", `#!/bin/sh\nshift 2\nexec "$@"\n`);
    write("sleep", "#!/bin/sh\n");
    const text = (result: string) => {
      // While the command runs it asks the script itself.
      const onMove = ["sh", "-c", `sh ${folder}/charge charge; ${result}`];
      const rendered = renderAddressScript({ ...script, virtualAddress: undefined, onMove });
      return here(rendered).replace(" PATH=", ` PATH=${folder}:`);
    };
    const run = (path: string, ...words: readonly string[]) =>
      spawnSync("sh", [path, ...words], { encoding: "utf8" }).stdout;
    const charge = () => run(join(folder, "charge"), "charge");
    for (const [result, after] of [
      [":", "held\n"],
      ["false", "failed\n"],
    ] as const) {
      const path = write("charge", text(result));
      write("nft", "#!/bin/sh\necho elements\n");
      t.regex(run(path, "moved", "INSTANCE", "load_balancer", "MASTER", "239"), /^(moving\n)+$/);
      t.is(charge(), after);
      write("nft", "#!/bin/sh\n");
      t.is(charge(), "none\n");
    }
    // Where nothing is guarded, keepalived's last word counts.
    write("nft", "#!/bin/sh\nexit 1\n");
    t.is(charge(), "failed\n");
    run(join(folder, "charge"), "moved", "INSTANCE", "load_balancer", "BACKUP", "239");
    t.is(charge(), "none\n");
  },
);

/** Which sets of nftables have an entry, whether the host has the address: what is told then. */
const looks: [title: string, seen: string, told: string][] = [
  ["a holder that announces", "has announces", ""],
  ["one that hears the holder", "hears", ""],
  ["a second holder", "has hears", "this host has 172.31.64.10 without announcing it\n"],
  ["one that lost it", "announces", "this host announces 172.31.64.10 without having it\n"],
  ["no holder", "", "no load balancer announces 172.31.64.10\n"],
  [
    "a machine that has it as well",
    "has announces stranger",
    "172.31.64.10 is at another machine as well, which is no load balancer of this stack: another stack has it, or it was given by hand (02:00:00:00:00:09)\n",
  ],
  ["one that leaves, and still has it", "has announces hears stranger", ""],
  ["no guard", "has announces unloaded", "nftables has lost the guard of 172.31.64.10\n"],
];

for (const [title, seen, told] of looks) {
  test(`tells of ${title}: ${told || "nothing"}`, (t) => {
    const stubs = `
ip() { case $SEEN in *has*) echo '2: eth0 inet 172.31.64.10/32' ;; esac; }
nft() {
  case "$1 $2" in
    'list table') case $SEEN in *unloaded*) return 1 ;; esac ;;
    'list set') case " $SEEN " in *" $5 "*) echo 'elements = { "eth0" }' ;; esac ;;
  esac
}
sleep() { :; }
perl() { case $SEEN in *stranger*) printf 02:00:00:00:00:09 ;; esac; }
`;
    const path = write(
      `tell-${looks.findIndex(([name]) => name === title)}`,
      here(renderAddressScript(script)).replace("#!/bin/sh\n", `#!/bin/sh\n${stubs}`),
    );
    const env = { ...process.env, SEEN: seen };
    t.is(execFileSync("sh", [path, "tell"], { encoding: "utf8", env }), told);
  });
}

test("an address that a stranger has is refused before it is taken, and another load balancer's is not", (t) => {
  const free = (seen: {
    readonly has?: boolean;
    readonly found: string;
    readonly ours?: boolean;
  }) => {
    const stubs = `
ip() {
  case "$*" in
    *'route get'*) echo '172.31.64.10 dev eth0 src 172.31.64.12' ;;
    *) ${seen.has ? "echo '2: eth0 inet 172.31.64.10/32'" : ":"} ;;
  esac
}
perl() { case $1 in -e) printf '%s' '${seen.found}' ;; *) ${seen.ours === true} ;; esac; }
`;
    const text = renderAddressScript(script).replace("#!/bin/sh\n", `#!/bin/sh\n${stubs}`);
    const { status, stderr } = spawnSync("sh", ["-c", text, "x", "free"], { encoding: "utf8" });
    return status === 0 ? "free" : stderr;
  };
  t.is(free({ found: "" }), "free");
  t.is(free({ found: "02:00:00:00:00:09", ours: true }), "free");
  t.is(free({ found: "02:00:00:00:00:09", has: true }), "free");
  t.is(
    free({ found: "02:00:00:00:00:09" }),
    "172.31.64.10 is taken: the machine with the MAC address 02:00:00:00:00:09 has it, which is no load balancer of this stack. Give loadBalancer.virtualAddress an address that no machine has, or take it from there first\n",
  );
});

test("an address outside of the host's network is refused where it would be new, as no machine would look for it there", (t) => {
  const free = (network: string, route: string, { guarded = false, onMove = false } = {}) => {
    const stubs = `
ip() {
  case "$*" in
    *'route get'*) echo '${route}' ;;
    *172.31.64.12/32) echo '2: eth0 inet ${network}' ;;
  esac
}
nft() { ${guarded ? "echo 'arp saddr ip 172.31.64.10 meta oif'" : "return 1"}; }
perl() { :; }
`;
    const command = onMove ? ["true"] : undefined;
    const text = here(renderAddressScript({ ...script, onMove: command }));
    const { status, stderr } = spawnSync(
      "sh",
      ["-c", text.replace("#!/bin/sh\n", `#!/bin/sh\n${stubs}`), "x", "free"],
      { encoding: "utf8" },
    );
    return status === 0 ? "free" : stderr;
  };
  const via = "172.31.64.10 via 172.31.65.1 dev eth0";
  t.is(
    free("172.31.65.12/24", via),
    "172.31.64.10 is not in the network of this host, 172.31.65.12/24: no machine there would look for it here. Give loadBalancer.virtualAddress an address of that network, or the hosts a route to it (ip route add 172.31.64.10/32 dev eth0)\n",
  );
  t.regex(free("172.31.64.12/28", "broadcast 172.31.64.10 dev eth0"), /^172\.31\.64\.10 is not in/);
  t.is(free("172.31.64.12/24", "172.31.64.10 dev eth0 src 172.31.64.12"), "free");
  t.is(free("172.31.65.12/32", via), "free");
  t.is(free("172.31.65.12/24", via, { guarded: true }), "free");
  t.is(free("172.31.65.12/24", via, { onMove: true }), "free");
});

test("a second machine with the address is told by `up`, and keepalived is not restarted for that", (t) => {
  const stubs = `
ip() { echo '2: eth0 inet 172.31.64.10/32'; }
nft() { case "$1 $2 \${5-}" in 'list table '* | *announces) echo elements ;; esac; }
sleep() { :; }
perl() { printf 02:00:00:00:00:09; }
systemctl() { echo "$*"; }
`;
  const text = here(renderAddressScript(script)).replace("#!/bin/sh\n", `#!/bin/sh\n${stubs}`);
  const { status, stdout, stderr } = spawnSync("sh", ["-c", text, "x", "reset"], {
    encoding: "utf8",
  });
  t.deepEqual([status, stdout], [1, ""]);
  t.regex(stderr, /^172\.31\.64\.10 is at another machine as well/);
});

test("Perl takes what looks for strangers", (t) => {
  const programs = [...renderAddressScript(script).matchAll(/perl (?:-M\S+ )?-e '([^']+)'/g)];
  t.is(programs.length, 2);
  for (const [, program = ""] of programs) {
    const { status, stderr } = spawnSync("perl", ["-MIO::Socket::INET", "-ce", program], {
      encoding: "utf8",
    });
    t.is(status, 0, stderr);
  }
});

test("says whether another host has taken over", (t) => {
  const taken = (nft: string) => {
    const text = renderAddressScript(script).replace(
      "#!/bin/sh\n",
      `#!/bin/sh\nnft() { ${nft}; }\n`,
    );
    return spawnSync("sh", ["-c", text, "x", "taken"]).status === 0;
  };
  t.true(taken('[ "$5" != announces ] && echo elements'));
  t.false(taken('[ "$5" = announces ] && echo elements; :'));
  t.true(taken("return 1"));
});

async function listening(server: Server | ReturnType<typeof createTcpServer>): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

/** In a process of its own, as the servers of this one have to answer meanwhile. */
async function check(text: string, ...args: string[]): Promise<number | null> {
  const { spawn } = await import("node:child_process");
  return new Promise((resolve) => {
    spawn("perl", ["-e", text, ...args]).on("close", (status) => resolve(status));
  });
}

test.serial("HAProxy counts as well when it answers 200, and no file says to leave", async (t) => {
  let status = 200;
  const server = createServer((request, response) => {
    response.writeHead(request.url === "/.trilithon/load-balancer" ? status : 500).end();
  });
  const port = await listening(server);
  const text = here(renderCheck(port));
  t.is(await check(text, "haproxy"), 0);
  status = 503;
  t.is(await check(text, "haproxy"), 1);
  status = 200;
  writeFileSync(join(folder, "leave-address"), "");
  t.is(await check(text, "haproxy"), 1);
  rmSync(join(folder, "leave-address"));
  t.is(await check(text, "haproxy"), 0);
  await new Promise((resolve) => server.close(resolve));
  t.is(await check(text, "haproxy"), 1);
});

test.serial(
  "another host is reached when it accepts or refuses; one answer of several is enough",
  async (t) => {
    const server = createTcpServer();
    const port = await listening(server);
    const text = renderCheck(80);
    const nowhere = "255.255.255.255:9";
    t.is(await check(text, "others", nowhere, `127.0.0.1:${port}`), 0);
    await new Promise((resolve) => server.close(resolve));
    t.is(await check(text, "others", nowhere, `127.0.0.1:${port}`), 0);
    t.is(await check(text, "others", nowhere), 1);
  },
);

test("the shell takes the script", (t) => {
  const path = write("syntax", renderAddressScript({ ...script, onMove: ["true"] }));
  t.is(spawnSync("sh", ["-n", path]).status, 0);
});
