/** An application whose versions tell themselves apart, and a visitor who notes what fails. */
import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** What is different in a version. */
export interface Version {
  readonly name: string;
  /** Code at the top of the server. */
  readonly atBoot?: string;
  /** Code at the top of each page. */
  readonly atPage?: string;
  readonly migration?: string;
}

/** Its page names its static file; `bin/migrate` and `bin/mail` note that they ran. */
export async function writeVersion(source: string, version: Version): Promise<void> {
  const { name, atBoot = "", atPage = "", migration = "" } = version;
  await rm(join(source, "public"), { recursive: true, force: true });
  await mkdir(join(source, "public/static"), { recursive: true });
  await mkdir(join(source, "bin"), { recursive: true });
  await writeFile(join(source, `public/static/app-${name}AAAAAA.css`), `/* ${name} */\n`);
  await writeFile(
    join(source, "server.mjs"),
    `import { createServer } from "node:http";
${atBoot}
const server = createServer((request, response) => {
  if (request.url === "/healthz") return response.end("fine\\n");
  ${atPage}
  response.end("app-${name}AAAAAA.css\\n");
});
server.listen(process.env.PORT, process.env.HOST);
process.on("SIGTERM", () => server.close(() => process.exit(0)));
`,
  );
  await writeFile(
    join(source, "bin/migrate"),
    `#!/bin/sh\necho "${name}" >>$STATE_DIRECTORY/migrated\n${migration}\n`,
  );
  await writeFile(
    join(source, "bin/mail"),
    "#!/bin/sh\npwd -P >$STATE_DIRECTORY/mail\nexec sleep 1000\n",
  );
  for (const file of ["migrate", "mail"]) await chmod(join(source, "bin", file), 0o755);
}

/** Reads the page and the static file that it names, on connections of their own, until it is stopped. */
export function visit(url: string) {
  const failures: string[] = [];
  const pages: Record<string, number> = {};
  // The load balancer's own page.
  let closed = 0;
  let isOver = false;
  const get = async (path: string) => {
    const response = await fetch(`${url}${path}`, { headers: { connection: "close" } });
    const text = await response.text();
    if (
      response.status === 503 &&
      response.headers.has("retry-after") &&
      text.includes("Back in a moment")
    ) {
      closed += 1;
      return undefined;
    }
    if (response.status !== 200) throw new Error(`${path}: ${response.status}`);
    return text.trim();
  };
  const one = async () => {
    while (!isOver) {
      try {
        const name = await get("/");
        if (name === undefined) continue;
        pages[name] = (pages[name] ?? 0) + 1;
        await get(`/static/${name}`);
      } catch (error) {
        failures.push(String(error));
      } finally {
        await seconds(0.03);
      }
    }
  };
  const running = Promise.all([one(), one()]);
  return async () => {
    isOver = true;
    await running;
    return { pages, failures, closed };
  };
}

export const seconds = (count: number) =>
  new Promise((resolve) => setTimeout(resolve, count * 1000));
