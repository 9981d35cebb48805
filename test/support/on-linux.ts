/** `test`, on Linux alone: for what runs in a `Sandbox`, which needs GNU's tools. */

import test from "ava";

export const onLinux = process.platform === "linux" ? test : test.skip;
