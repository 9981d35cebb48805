/** Visitors who come at their own pace: each answer is timed from when its request was due, also where the ones before took long. */
import { stackDomain } from "../peers/description";

/** Milliseconds of each answer. One that is no success ends it with an error. */
export async function visitDuring(
  { url, perSecond }: { readonly url: string; readonly perSecond: number },
  work: () => Promise<unknown>,
): Promise<readonly number[]> {
  const took: Promise<number>[] = [];
  const start = performance.now();
  const timer = setInterval(() => {
    while (took.length < ((performance.now() - start) / 1000) * perSecond) {
      took.push(visit(url, start + (took.length / perSecond) * 1000));
    }
  }, 5);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  return Promise.all(took);
}

async function visit(url: string, due: number): Promise<number> {
  const answer = await fetch(url, {
    headers: { host: stackDomain },
    signal: AbortSignal.timeout(30_000),
  });
  await answer.arrayBuffer();
  if (!answer.ok) throw new Error(`${url}: status ${answer.status}`);
  return performance.now() - due;
}
