/** Tests on real container hosts: two files at a time, since hosts are mostly waited for; each with all the time that a machine may need. Within a file all tests are `serial`. */
export default {
  extensions: { ts: "commonjs" },
  nodeArguments: ["--import=tsx"],
  files: ["test/end-to-end/**/*.test.ts"],
  workerThreads: false,
  concurrency: 2,
  timeout: "20m",
};
