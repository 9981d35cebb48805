/** Trials on real container hosts that are too long for `npm test`: one file after the other, by `npm run trouble`. */
export default {
  extensions: { ts: "commonjs" },
  nodeArguments: ["--import=tsx"],
  files: ["test/trouble/**/*.test.ts"],
  workerThreads: false,
  concurrency: 1,
  serial: true,
  timeout: "40m",
};
