import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { endpoint } from "../../../offline/docker/engine";

test("talks to the engine of the current docker context", (t) => {
  const folder = dockerFolder({ colima: "unix:///home/me/.colima/docker.sock" });
  writeFileSync(join(folder, "config.json"), JSON.stringify({ currentContext: "colima" }));
  t.deepEqual(endpoint({ DOCKER_CONFIG: folder }), { socketPath: "/home/me/.colima/docker.sock" });
  t.is(endpoint({ DOCKER_CONFIG: folder, DOCKER_CONTEXT: "default" }), undefined);
  t.is(endpoint({ DOCKER_CONFIG: folder, DOCKER_HOST: "tcp://10.0.0.1:2375" }), undefined);
});

test("says so where it cannot talk to the context's engine", (t) => {
  const folder = dockerFolder({ far: "ssh://me@far" });
  t.throws(() => endpoint({ DOCKER_CONFIG: folder, DOCKER_CONTEXT: "far" }), {
    message: "docker context far: expected a unix:// socket, got ssh://me@far: set DOCKER_HOST",
  });
});

test("uses the default socket where there is no docker configuration", (t) => {
  t.is(endpoint({ DOCKER_CONFIG: "/nowhere" }), undefined);
});

function dockerFolder(contexts: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "trilithon-docker-"));
  for (const [name, host] of Object.entries(contexts)) {
    const digest = createHash("sha256").update(name).digest("hex");
    mkdirSync(join(folder, "contexts", "meta", digest), { recursive: true });
    const meta = { Name: name, Endpoints: { docker: { Host: host } } };
    writeFileSync(join(folder, "contexts", "meta", digest, "meta.json"), JSON.stringify(meta));
  }
  return folder;
}
