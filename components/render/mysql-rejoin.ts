/** The unit beside mysqld that brings a member back into its group. */

export const rejoinUnit = {
  name: "trilithon-mysql-rejoin.service",
  path: "/etc/systemd/system/trilithon-mysql-rejoin.service",
  scriptPath: "/usr/local/sbin/trilithon-mysql-rejoin",
};

export function renderRejoinUnit(): string {
  return `# Written by trilithon: what is changed here by hand is taken back by the next \`pulumi up\`.
[Unit]
Description=Brings this MySQL member back into its group
After=mysql.service
StartLimitIntervalSec=0

[Service]
ExecStart=${rejoinUnit.scriptPath}
Restart=always
RestartSec=5

[Install]
WantedBy=multi-user.target
`;
}

/**
 * MySQL itself tries once when it lost its group, and then every five minutes; a member that found nobody at its start does not
 * try again at all. A group lets nobody in who has more than it, and nobody begins one here.
 */
export function renderRejoinScript(): string {
  return `#!/bin/sh
# Written by trilithon: what is changed here by hand is taken back by the next \`pulumi up\`.
# A member that left its group without being told to joins it again, at first after 10 seconds, then less and less often.
export LC_ALL=C

sql() {
  mysql --user=root --connect-timeout=2 --batch --skip-column-names --execute="$1"
}

# Its state; whether it is to join at a start and knows its group, that start is over (MySQL tries for about a minute), and nobody
# else is at work on it; whether clients are let in.
status="SELECT CONCAT_WS(' ',
  COALESCE((SELECT MEMBER_STATE FROM performance_schema.replication_group_members WHERE MEMBER_ID = @@server_uuid), 'OFFLINE'),
  @@GLOBAL.group_replication_start_on_boot
    AND (SELECT COUNT(*) FROM performance_schema.persisted_variables WHERE VARIABLE_NAME = 'group_replication_group_name')
    AND (SELECT VARIABLE_VALUE > 90 FROM performance_schema.global_status WHERE VARIABLE_NAME = 'Uptime')
    AND NOT (SELECT COUNT(*) FROM performance_schema.processlist
      WHERE INFO LIKE 'START GROUP%' OR INFO LIKE 'STOP GROUP%' OR INFO LIKE 'CLONE INSTANCE%'),
  @@GLOBAL.offline_mode)"

waited=0
limit=10
while :; do
  set -- $(timeout --kill-after=1 10 mysql --user=root --connect-timeout=2 --batch --skip-column-names --execute="$status" 2>/dev/null)
  case "$1 $2" in
    'ONLINE '*)
      # It was closed to clients when it left.
      [ "$limit" = 10 ] || [ "$3" = 0 ] || sql 'SET GLOBAL offline_mode = OFF'
      waited=0
      limit=10 ;;
    'ERROR 1' | 'OFFLINE 1') waited=$((waited + 2)) ;;
    *) waited=0 ;;
  esac
  if [ "$waited" -ge "$limit" ]; then
    echo "$1: joins its group again"
    sql 'STOP GROUP_REPLICATION; START GROUP_REPLICATION'
    waited=0
    limit=$((limit * 2))
    [ "$limit" -le 300 ] || limit=300
  fi
  sleep 2
done
`;
}
