/** `npm run rotate -- SECRET...`: has the next `up` make secrets anew. */
import { readCommandLine, UsageError } from "./command-line";
import { isRotation, rotations } from "./rotate/keepers";
import { rotate } from "./rotate/rotate";
import { runMain, say } from "./setup/say";
import { setUpPulumi } from "./setup/setup";
import { placeOf } from "./setup/stack-place";

const name = "npm run rotate --";

runMain(async () => {
  const line = readCommandLine({
    name,
    words: "SECRET...",
    about: [
      "Changes the stack's settings so that its next `up` makes secrets anew; a preview shows what that does. SECRET is one or more of",
      ...Object.entries(rotations).map(([word, what]) => `  ${word.padEnd(12)}  ${what}`),
    ].join("\n"),
    options: {},
  });
  if (line === undefined) return 0;
  const { stack, rest } = line;
  const known = Object.keys(rotations).join(", ");
  if (rest.length === 0) {
    throw new UsageError(`expected one or more of ${known}, got nothing: see ${name} --help`);
  }
  const chosen = rest.map((word) => {
    if (isRotation(word)) return word;
    throw new UsageError(`expected ${known}, got "${word}": see ${name} --help`);
  });
  await setUpPulumi();
  // To the second: twice on a day are two.
  const keeper = new Date().toISOString().replace(/\.\d+Z$/, "Z");
  for (const path of await rotate(placeOf(stack), chosen, keeper)) say(path, "changed");
  say(
    `stack ${stack}`,
    `npm run pulumi -- preview --stack ${stack} shows what will be done, npm run pulumi -- up --stack ${stack} does it`,
  );
  return 0;
});
