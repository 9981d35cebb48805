/** Tells one page what is seen: all of the picture whenever it changes, and each second when hosts last answered. */
import type { Stream } from "./stream";
import type { Watch } from "./watch";

/** Changes that come together are told together. */
const gatherMilliseconds = 100;
const tickMilliseconds = 1000;

export function feed(watch: Watch, stream: Stream): void {
  let told = "";
  let timer: NodeJS.Timeout | undefined;
  const tell = () => {
    timer = undefined;
    const picture = watch.picture();
    const text = JSON.stringify({
      ...picture,
      // Each look has another time: the ticks tell it.
      hosts: picture.hosts.map((host) => ({ ...host, answeredAt: null })),
    });
    if (text === told) return;
    told = text;
    stream.send("picture", picture);
  };
  const tick = () => stream.send("tick", { now: Date.now(), answeredAt: watch.answeredAt() });
  const stop = watch.listen(() => {
    timer ??= setTimeout(tell, gatherMilliseconds);
  });
  tell();
  tick();
  const ticking = setInterval(tick, tickMilliseconds);
  stream.onEnd(() => {
    stop();
    clearTimeout(timer);
    clearInterval(ticking);
  });
}
