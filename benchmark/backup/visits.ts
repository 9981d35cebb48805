/** Visitors who come at their own pace: each answer is timed from when its request was due, also where the ones before took long. */
import { stackDomain } from "../peers/description";

/** Of so many visitors one writes, and waits until a replica has it as well. */
const readersForEachWriter = 9;

/** Milliseconds of each answer. One that is no success ends it with an error. */
export async function visitDuring(
  { url, perSecond }: { readonly url: string; readonly perSecond: number },
  work: () => Promise<unknown>,
): Promise<readonly number[]> {
  const took: Promise<number>[] = [];
  const start = performance.now();
  const timer = setInterval(() => {
    while (took.length < ((performance.now() - start) / 1000) * perSecond) {
      const due = start + (took.length / perSecond) * 1000;
      const isWriter = took.length % (readersForEachWriter + 1) === 0;
      took.push(isWriter ? write(url, due) : visit(url, due));
    }
  }, 5);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  return Promise.all(took);
}

const visit = (url: string, due: number) => ask(url, { method: "GET" }, due);

function write(url: string, due: number): Promise<number> {
  const body = JSON.stringify({ name: "benchmark", message: "a line" });
  const entry = { method: "POST", headers: { "content-type": "application/json" }, body };
  return ask(`${url}/api/entries`, entry, due);
}

async function ask(url: string, request: RequestInit, due: number): Promise<number> {
  const answer = await fetch(url, {
    ...request,
    headers: { ...request.headers, host: stackDomain },
    signal: AbortSignal.timeout(30_000),
  });
  await answer.arrayBuffer();
  if (!answer.ok) throw new Error(`${url}: status ${answer.status}`);
  return performance.now() - due;
}
