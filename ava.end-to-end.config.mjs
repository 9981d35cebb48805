/** What takes longest begins first, so that the last file does not run alone. The others follow by name. */
const longest = [
  ...["existing-machines", "any-machine-may-die/database", "stack", "any-machine-may-die/front"],
  "away",
];
const place = (file) => {
  const at = longest.findIndex((name) => file.endsWith(`/${name}.test.ts`));
  return at === -1 ? longest.length : at;
};

/** Tests on real container hosts: three files at a time, since hosts are mostly waited for; each with all the time that a machine may need. Within a file all tests are `serial`. */
export default {
  extensions: { ts: "commonjs" },
  nodeArguments: ["--import=tsx"],
  files: ["test/end-to-end/**/*.test.ts"],
  sortTestFiles: (one, other) => place(one) - place(other) || one.localeCompare(other),
  workerThreads: false,
  concurrency: 3,
  timeout: "20m",
};
