/** The versions of what set-up brings along. Those of the plugins are those of the npm packages in package.json. */

export const cliVersion = "3.259.0";

/**
 * SHA-256 of the archives of that version by platform, as Pulumi publishes them with its Homebrew formula
 * (https://github.com/pulumi/homebrew-tap, Formula/pulumi.rb).
 */
export const cliChecksums: Readonly<Record<string, string>> = {
  "linux-x64": "94ba357acac23d01474084c4b00098dc0f7bc70ce13f34c777459254a5f718e5",
  "linux-arm64": "edc8327463a72160bb36cf82cf5062da9c8a244290a706d9980988e7bf486853",
  "darwin-x64": "eaca4c3b8277bfa3ab061fa3b270d1c66358a0b2e613da8c5587a04b7226c534",
  "darwin-arm64": "57c27f179e527e2cf9f62b841a448af72a020e44b2fb4ee0d9bd85556c00c864",
};

export const pluginVersions = { docker: "5.2.0", command: "1.2.1" } as const;
