/**
 * What the official plugin keeps beside what is served here, with the values that it has where the program says nothing.
 * A state without them would look to it as if the container or network had to be made anew.
 */

export const containerDefaults = {
  ...{ attach: false, bridge: "", containerReadRefreshTimeoutMilliseconds: 15_000, cpuSet: "" },
  ...{
    cpuShares: 0,
    deviceReadBps: [],
    deviceReadIops: [],
    deviceRequests: [],
    deviceWriteBps: [],
  },
  ...{ deviceWriteIops: [], devices: [], domainname: "", entrypoints: [], hosts: [], init: false },
  ...{ ipcMode: "private", logDriver: "json-file", logs: false, maxRetryCount: 0, mounts: [] },
  ...{ memoryReservation: 0, networkMode: "bridge", platform: "linux", privileged: false },
  ...{ publishAllPorts: false, readOnly: false, removeVolumes: true, rm: false, runtime: "runc" },
  ...{ shmSize: 64, start: true, stdinOpen: false, tty: false, ulimits: [], user: "" },
  ...{ usernsMode: "", wait: false, waitTimeout: 60, workingDir: "" },
} as const;

export const networkDefaults = {
  ...{ attachable: false, ingress: false, ipamDriver: "default", ipv6: false },
} as const;
