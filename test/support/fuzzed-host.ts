/** Hosts that answer late, in pieces, with noise around, or not to the end: what a property-based test draws. */

import fc from "fast-check";
import { type Answer, type Execution, frame, type Welcome, type Wire } from "./ssh-server";

export interface Truth extends Answer {
  /** Was not done within its time on the host. */
  readonly isLate: boolean;
}

/** What goes wrong with one command. Positions are parts of the whole answer, from 0 to 1. */
export type Fault =
  | { readonly kind: "the channel closes"; readonly at: number; readonly status?: number }
  | { readonly kind: "the connection is cut"; readonly at: number }
  | { readonly kind: "something writes into it"; readonly at: number; readonly noise: Buffer }
  | { readonly kind: "a piece is lost"; readonly at: number; readonly length: number }
  | { readonly kind: "a frame is lost"; readonly at: number }
  | { readonly kind: "the login refuses"; readonly noise: Buffer }
  | { readonly kind: "nothing comes" };

export interface Conversation {
  readonly before: Buffer;
  readonly between: Buffer;
  readonly after: Buffer;
  readonly errors: Buffer;
  /** Where the answer is cut into pieces. */
  readonly cuts: readonly number[];
  readonly fault?: Fault;
}

export interface FuzzedHost {
  readonly user: string;
  readonly welcomes: readonly Welcome[];
  readonly wire: Wire | undefined;
  readonly refusedChannels: number;
  /** One for each command, then over again. */
  readonly conversations: readonly Conversation[];
}

/** Stands in all noise, so that it can be told where it must not be. */
export const noiseWord = "NOISE";

const rarely = <T>(arbitrary: fc.Arbitrary<T>, outOf: number): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined, freq: outOf - 1 });

const noise = fc
  .oneof(
    { weight: 2, arbitrary: fc.constant("") },
    { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 60 }) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        "Welcome\n",
        "no end of line",
        "\n",
        "@progress noise\n",
        "sudo: unable to resolve host web-01: Name or service not known\n",
        "bash: warning: setlocale: LC_ALL: cannot change locale (xx_XX.UTF-8)\n",
        `\n${"0".repeat(24)} out 0 3\nabc\n${"0".repeat(24)}.out 0 3\n`,
        `\n${"0".repeat(24)} exit 0 0 0 0 0\n`,
        "x".repeat(9000),
      ),
    },
  )
  .map((text) => (text === "" ? Buffer.alloc(0) : Buffer.from(`${noiseWord}${text}`)));

const place = fc.double({ min: 0, max: 1, noNaN: true });

const fault: fc.Arbitrary<Fault> = fc.oneof(
  fc.record({
    kind: fc.constant("the channel closes" as const),
    at: place,
    status: fc.nat(255),
  }),
  fc.record({ kind: fc.constant("the channel closes" as const), at: place }),
  fc.record({ kind: fc.constant("the connection is cut" as const), at: place }),
  fc.record({
    kind: fc.constant("something writes into it" as const),
    at: place,
    noise: noise.filter(({ length }) => length > 0),
  }),
  fc.record({
    kind: fc.constant("a piece is lost" as const),
    at: place,
    length: fc.integer({ min: 1, max: 200 }),
  }),
  fc.record({ kind: fc.constant("a frame is lost" as const), at: place }),
  fc.record({ kind: fc.constant("the login refuses" as const), noise }),
  fc.record({ kind: fc.constant("nothing comes" as const) }),
);

const conversation: fc.Arbitrary<Conversation> = fc
  .record({
    before: noise,
    between: noise,
    after: noise,
    errors: noise,
    cuts: fc.array(place, { maxLength: 6 }),
    fault: rarely(fault, 2),
  })
  .map(({ fault: drawn, ...rest }) => ({ ...rest, ...(drawn && { fault: drawn }) }));

export const fuzzedHost: fc.Arbitrary<FuzzedHost> = fc.record({
  user: fc.constantFrom("root", "jane.doe"),
  welcomes: fc.array(fc.constantFrom<Welcome[]>("serves", "full", "resets", "closes"), {
    maxLength: 2,
  }),
  wire: rarely(
    fc.record({
      bytesAtOnce: fc.integer({ min: 1, max: 3000 }),
      bytesAtMost: fc.integer({ min: 1, max: 12_000 }),
    }),
    4,
  ),
  refusedChannels: fc.constantFrom(0, 0, 0, 0, 0, 0, 0, 1),
  conversations: fc.array(conversation, { minLength: 1, maxLength: 3 }),
});

const text = fc.oneof(
  { weight: 4, arbitrary: fc.string({ unit: "binary", maxLength: 40 }) },
  { weight: 1, arbitrary: fc.string({ unit: "grapheme", maxLength: 10 }) },
  {
    weight: 1,
    arbitrary: fc.integer({ min: 3890, max: 9000 }).map((length) => "y".repeat(length)),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom("\n", "\n\n", "a\n", "@progress half\nrest\n", "@progress"),
  },
);

export const truth: fc.Arbitrary<Truth> = fc.record({
  stdout: text,
  stderr: text,
  status: fc.constantFrom(0, 0, 0, 1, 3, 255),
  signal: fc.constantFrom(0, 0, 0, 0, 0, 9, 15),
  isLate: fc.constantFrom(false, false, false, false, false, true),
});

/** Whether a host of this sort has to give the right answers, whatever the noise. */
export function isSound({ welcomes, wire, conversations }: FuzzedHost): boolean {
  return (
    wire === undefined &&
    welcomes.length <= 2 &&
    conversations.every((one) => one.fault === undefined)
  );
}

/** Answers one command as the drawn conversation has it. */
export async function converse(
  { before, between, after, errors, cuts, fault: wrong }: Conversation,
  { mark, scripts, channel }: Execution,
  truthOf: (script: string) => Truth,
  cut: () => void,
): Promise<void> {
  if (errors.length > 0) channel.stderr.write(errors);
  if (wrong?.kind === "nothing comes") return;
  if (wrong?.kind === "the login refuses") {
    channel.write(wrong.noise);
    channel.exit(1);
    channel.end();
    return;
  }
  const frames = [
    frame(mark, "begin"),
    ...scripts.flatMap((script, id) => framesOf(mark, id, truthOf(script))),
    frame(mark, "end"),
  ];
  if (wrong?.kind === "a frame is lost") frames.splice(Math.floor(wrong.at * frames.length), 1);
  const whole = Buffer.concat([before, ...frames.flatMap((one) => [one, between]), after]);
  const damaged = damage(whole, wrong);
  const ends = [...cuts.map((part) => Math.floor(part * damaged.length)), damaged.length];
  let start = 0;
  for (const end of ends.sort((one, other) => one - other)) {
    if (end > start) channel.write(damaged.subarray(start, end));
    start = end;
    await new Promise((resolve) => setImmediate(resolve));
  }
  if (wrong?.kind === "the connection is cut") cut();
  else {
    if (wrong?.kind !== "the channel closes") channel.exit(0);
    else if (wrong.status !== undefined) channel.exit(wrong.status);
    channel.end();
  }
}

function framesOf(mark: string, id: number, { isLate, stdout, stderr, status, signal }: Truth) {
  if (isLate) return [frame(mark, `late ${id}`)];
  const out = Buffer.from(stdout ?? "");
  const err = Buffer.from(stderr ?? "");
  return [
    ...(out.length > 0 ? [frame(mark, `out ${id}`, out.subarray(0, 3900))] : []),
    ...(err.length > 0 ? [frame(mark, `err ${id}`, err.subarray(0, 3900))] : []),
    ...(out.length > 3900 ? [frame(mark, `out ${id}`, out.subarray(3900, 7800))] : []),
    ...(err.length > 3900 ? [frame(mark, `err ${id}`, err.subarray(3900, 7800))] : []),
    ...(out.length > 7800 ? [frame(mark, `out ${id}`, out.subarray(7800))] : []),
    ...(err.length > 7800 ? [frame(mark, `err ${id}`, err.subarray(7800))] : []),
    frame(mark, `exit ${id} ${signal || (status ?? 0) << 8} ${out.length} ${err.length}`),
  ];
}

function damage(whole: Buffer, wrong: Fault | undefined): Buffer {
  if (wrong === undefined || !("at" in wrong)) return whole;
  const at = Math.floor(wrong.at * whole.length);
  switch (wrong.kind) {
    case "the channel closes":
    case "the connection is cut":
      return whole.subarray(0, at);
    case "something writes into it":
      return Buffer.concat([whole.subarray(0, at), wrong.noise, whole.subarray(at)]);
    case "a piece is lost":
      return Buffer.concat([whole.subarray(0, at), whole.subarray(at + wrong.length)]);
    case "a frame is lost":
      return whole;
  }
}
