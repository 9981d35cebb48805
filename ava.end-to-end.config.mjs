/** Tests on real container hosts: one file after the other, each with all the time that a machine may need. */
export default {
  extensions: { ts: "commonjs" },
  nodeArguments: ["--import=tsx"],
  files: ["test/end-to-end/**/*.test.ts"],
  workerThreads: false,
  concurrency: 1,
  serial: true,
  timeout: "20m",
};
