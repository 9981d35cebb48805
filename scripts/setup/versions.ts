/** The versions of what set-up brings along. Those of the plugins are those of the npm packages in package.json. */

export const cliVersion = "3.259.0";

export const pluginVersions = { docker: "5.2.0", command: "1.2.1" } as const;
