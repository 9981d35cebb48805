/** What a member of a group does before its mysqld stops: it hands the role of the primary over. */

export const handover = {
  dropIn: "/etc/systemd/system/mysql.service.d/trilithon-handover.conf",
  scriptPath: "/usr/local/sbin/trilithon-mysql-handover",
  /** There after a member was stopped that served beside another one. */
  leftFile: "/run/trilithon/mysql-left-its-group",
};

/** With each stop and restart of the unit, whoever asks for it, and when the machine shuts down. */
export function renderHandoverDropIn(): string {
  return `# Written by trilithon.
[Service]
# As root, who may log in over the socket.
ExecStop=+${handover.scriptPath}
`;
}

/** A planned switch refuses writes for a fraction of a second, a primary that just stops for some seconds. */
export function renderHandoverScript(): string {
  return `#!/bin/sh
# Written by trilithon: what is changed here by hand is taken back by the next \`pulumi up\`.
# Where this member is the primary and another one is ready for it, that one becomes the primary. A file tells whether others
# serve on: this member should find them after a restart.
export LC_ALL=C

sql() {
  timeout --kill-after=1 20 mysql --user=root --batch --skip-column-names --execute="$1"
}

others="SELECT own.MEMBER_ROLE, other.MEMBER_ID
  FROM performance_schema.replication_group_members AS other
  JOIN performance_schema.replication_group_members AS own ON own.MEMBER_ID = @@server_uuid
  WHERE own.MEMBER_STATE = 'ONLINE' AND other.MEMBER_ID <> own.MEMBER_ID AND other.MEMBER_STATE = 'ONLINE' LIMIT 1"

rm -f ${handover.leftFile}
found=$(sql "$others" 2>/dev/null) || exit 0
[ -n "$found" ] || exit 0
mkdir -p /run/trilithon && : >${handover.leftFile}
set -- $found
[ "$1" = PRIMARY ] || exit 0
# Waits for transactions that run, up to 20 seconds: then they are cut off, as mysqld stops. Told a time, MySQL would refuse all
# queries meanwhile, also those that only read.
sql "SELECT group_replication_set_as_primary('$2')" || true
`;
}
