/** What the applications of the trials have in common: orders, which visitors and a job write. */
import type { ExecutionContext } from "ava";
import { ask, type Site } from "./visitors";

export async function order(t: ExecutionContext, site: Site, product: string): Promise<void> {
  const body = `${new URLSearchParams({ product })}`;
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  t.is((await ask(site, "/orders", { method: "POST", headers, body })).status, 201);
}

/** Waits for a run of a job that is due every minute. */
export async function hasRun(t: ExecutionContext, site: Site): Promise<void> {
  for (let tries = 0; tries < 160; tries += 1) {
    if ((await ask(site, "/orders")).body.split("\n").includes("by schedule")) {
      t.pass();
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  t.fail("the job did not run");
}
