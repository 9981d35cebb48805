/** Tests on real container hosts: two files at a time, since hosts are mostly waited for; each with all the time that a machine may need. */
export default {
  extensions: { ts: "commonjs" },
  nodeArguments: ["--import=tsx"],
  files: ["test/end-to-end/**/*.test.ts"],
  workerThreads: false,
  concurrency: 2,
  serial: true,
  timeout: "20m",
};
