/** Whether what a tool set up serves: a stack that is only said to be there would be fast. */
import type { Tool } from "./tool";

const deadlineSeconds = 60;

/** The page comes from both web servers in turn, and HAProxy has had time to find both well. */
export async function checkServing({ name, hosts }: Tool): Promise<void> {
  const deadline = Date.now() + deadlineSeconds * 1000;
  const wanted = hosts.hosts.filter(({ roles }) => roles.includes("web")).map((host) => host.name);
  const servers = new Set<string>();
  while (wanted.some((host) => !servers.has(host))) {
    if (Date.now() > deadline) {
      const found = [...servers].join(", ") || "none";
      throw new Error(
        `${name}: ${hosts.url}: expected answers from ${wanted.join(", ")}, got ${found}`,
      );
    }
    const response = await fetch(hosts.url).catch(() => undefined);
    const server = response?.status === 200 ? response.headers.get("x-served-by") : null;
    if (server) servers.add(server);
    else await new Promise((resolve) => setTimeout(resolve, 500));
  }
}
