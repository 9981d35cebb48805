/** What runs an application: a command, PHP-FPM, or a command with the packages of its language beside it. */
import * as v from "valibot";
import { type LanguageArgs, language, languages } from "./dependencies";
import { type Fault, unexpected } from "./expectation";
import { type PhpFpmArgs, phpFpm } from "./php-fpm";
import { isRecord, oneOf } from "./rule";

const runtimes = ["command", "php-fpm", ...languages] as const;
export type Runtime = (typeof runtimes)[number] | PhpFpmArgs | LanguageArgs;

export const runtime: v.GenericSchema<unknown, Runtime> = v.lazy((value) => {
  if (!isRecord(value)) return oneOf(...runtimes);
  return value.name === "php-fpm" ? phpFpm : language;
});

/** Only PHP-FPM needs none. */
export function checkStart({
  runtime,
  start,
}: {
  readonly runtime?: unknown;
  readonly start?: unknown;
}): readonly Fault[] {
  const name = isRecord(runtime) ? runtime.name : runtime;
  if ((name === "php-fpm") === (start === undefined)) return [];
  const expected =
    name === "php-fpm"
      ? "nothing, as the runtime php-fpm starts itself"
      : "a command as a list of words";
  return [{ path: "start", message: unexpected(expected, start) }];
}
