import { readdirSync } from "node:fs";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import test from "ava";
import { version } from "../../../package.json";
import { packageVersion } from "../../../provider/resources/package-version";

const folder = join(__dirname, "..", "..", "..", "provider", "resources");

test("the version of the plugin is the package's own", (t) => {
  t.is(packageVersion, version);
});

test("every class names it, so that one plugin serves all of a program", (t) => {
  const classes = readdirSync(folder)
    .flatMap((file) => Object.values<unknown>(require(join(folder, file))))
    .filter(isResource);
  t.true(classes.length >= 9);
  for (const one of new Set(classes)) {
    t.is(optionsOf(one, {})?.version, packageVersion, one.name);
    t.is(optionsOf(one, { version: "9.9.9" })?.version, "9.9.9", one.name);
  }
});

type Class = new (
  name: string,
  args: object,
  options: pulumi.CustomResourceOptions,
) => pulumi.CustomResource;

function isResource(value: unknown): value is Class {
  return typeof value === "function" && value.prototype instanceof pulumi.CustomResource;
}

/** What a class hands to Pulumi, which is not there. */
function optionsOf(one: Class, options: pulumi.CustomResourceOptions) {
  let handed: pulumi.CustomResourceOptions | undefined;
  const parent = Object.getPrototypeOf(one);
  Object.setPrototypeOf(one, function (this: unknown, ...args: readonly unknown[]) {
    handed = args[3] as pulumi.CustomResourceOptions;
  });
  try {
    new one("it", {}, options);
  } finally {
    Object.setPrototypeOf(one, parent);
  }
  return handed;
}
