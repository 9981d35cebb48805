/** A drop-in for the unit of a daemon that has to come back, however often and however it ends. */

/** Without a limit: a daemon that was given up by systemd stays away until somebody comes. */
export function renderRestartAlways(): string {
  return `# Written by trilithon.
[Unit]
# However often it ends, it is started again.
StartLimitIntervalSec=0

[Service]
Restart=always
RestartSec=1
`;
}
