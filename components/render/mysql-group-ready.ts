/** How to know that a member of a group serves again after a restart: the next one is restarted only then. */

/**
 * A member that is in no group yet is ready as soon as it answers. One that finds no group, or failed to join it, is given up after
 * two minutes: it may be that all are down, and then the one that has most is to be told to begin. Until then it may join once more
 * (`trilithon-mysql-rejoin`), before the next one is restarted.
 */
export function renderGroupReadyScript(): string {
  return `state=$(mysql --user=root --connect-timeout=2 --batch --skip-column-names --execute="SELECT CONCAT_WS(' ',
  COALESCE((SELECT MEMBER_STATE FROM performance_schema.replication_group_members WHERE MEMBER_ID = @@server_uuid), 'OFFLINE'),
  (SELECT COUNT(*) FROM performance_schema.persisted_variables WHERE VARIABLE_NAME = 'group_replication_group_name'),
  (SELECT VARIABLE_VALUE > 120 FROM performance_schema.global_status WHERE VARIABLE_NAME = 'Uptime'))") || exit 1
case "$state" in
  'ONLINE '* | 'OFFLINE 0 '* | 'OFFLINE 1 1' | 'ERROR '*' 1') exit 0 ;;
esac
echo "the member is $state" >&2
exit 1`;
}
