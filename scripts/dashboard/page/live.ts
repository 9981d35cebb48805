/** Hears from the command, and says when it does not any more. */
import type { Picture } from "../picture";

export interface Tick {
  readonly now: number;
  readonly answeredAt: Readonly<Record<string, number | null>>;
}

export interface Listener {
  picture(picture: Picture): void;
  tick(tick: Tick): void;
  /** `since`: when something was heard last, in milliseconds since 1970. */
  lost(since: number): void;
  found(): void;
}

/** The command says something each second. */
const lostMilliseconds = 3500;

export function listen(listener: Listener): void {
  let heardAt = Date.now();
  let isLost = false;
  const hear = () => {
    heardAt = Date.now();
    if (!isLost) return;
    isLost = false;
    listener.found();
  };
  const source = new EventSource("feed");
  source.addEventListener("picture", ({ data }: MessageEvent<string>) => {
    hear();
    listener.picture(JSON.parse(data));
  });
  source.addEventListener("tick", ({ data }: MessageEvent<string>) => {
    hear();
    listener.tick(JSON.parse(data));
  });
  setInterval(() => {
    if (isLost || Date.now() - heardAt < lostMilliseconds) return;
    isLost = true;
    listener.lost(heardAt);
  }, 1000);
}
