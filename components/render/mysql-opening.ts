/** The unit beside mysqld that opens the primary for writes after a start. */
import { confineRoot } from "./unit-confinement";

export const openingUnit = {
  name: "trilithon-mysql-opening.service",
  path: "/etc/systemd/system/trilithon-mysql-opening.service",
  scriptPath: "/usr/local/sbin/trilithon-mysql-opening",
};

export function renderOpeningUnit(): string {
  return `# Written by trilithon: what is changed here by hand is taken back by the next \`pulumi up\`.
[Unit]
Description=Opens the MySQL primary for writes once its replicas follow it
# With each start and restart of mysqld, also one after a crash.
After=mysql.service
PartOf=mysql.service
StartLimitIntervalSec=0

[Service]
ExecStart=${openingUnit.scriptPath}
RemainAfterExit=yes
Restart=on-failure
RestartSec=1
PrivateTmp=yes
${confineRoot({})}
ProtectKernelTunables=yes

[Install]
WantedBy=multi-user.target mysql.service
`;
}

/**
 * mysqld starts closed. A primary that was replaced while it was away finds no replica that follows it, and stays closed;
 * one that was not, finds all of them within a second or two.
 */
export function renderOpeningScript(replicas: number): string {
  return `#!/bin/sh
# Written by trilithon: what is changed here by hand is taken back by the next \`pulumi up\`.
# A primary whose replicas all follow it has not been replaced: only then it is opened for writes.
replicas=${replicas}
export LC_ALL=C

sql() {
  timeout --kill-after=1 10 mysql --user=root --batch --skip-column-names --execute="$1"
}

# Whether it is the primary, is closed, and follows nobody; semi-synchronous replicas; all replicas.
status="SELECT CONCAT_WS(' ',
  (SELECT COUNT(*) FROM performance_schema.persisted_variables
    WHERE VARIABLE_NAME = 'rpl_semi_sync_source_enabled' AND VARIABLE_VALUE = 'ON'),
  @@super_read_only,
  (SELECT COUNT(*) FROM performance_schema.replication_connection_configuration WHERE HOST <> ''),
  (SELECT VARIABLE_VALUE FROM performance_schema.global_status WHERE VARIABLE_NAME = 'Rpl_semi_sync_source_clients'),
  (SELECT COUNT(*) FROM performance_schema.processlist WHERE COMMAND LIKE 'Binlog Dump%'))"
dumps="SELECT ID FROM performance_schema.processlist WHERE COMMAND LIKE 'Binlog Dump%'"

looks=0
while :; do
  found=$(sql "$status" 2>/dev/null) || found=
  set -- $found
  if [ $# -eq 5 ]; then
    [ "$1" = 1 ] && [ "$2" = 1 ] && [ "$3" = 0 ] || exit 0
    if [ "$4" -ge "$replicas" ]; then
      sql 'SET GLOBAL super_read_only = OFF; SET GLOBAL read_only = OFF' || exit 1
      echo "opened for writes: $4 replicas follow"
      exit 0
    fi
    # A replica that connected before this side was told to wait for it does not acknowledge: it connects anew.
    looks=$((looks + 1))
    if [ "$5" -gt "$4" ] && [ $((looks % 20)) -eq 0 ]; then
      for id in $(sql "$dumps"); do sql "KILL $id"; done
    fi
  fi
  sleep 0.5
done
`;
}
