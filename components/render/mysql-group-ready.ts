/** How to know that a member of a group serves again after a restart: the next one is restarted only then. */

import { handover } from "./mysql-handover";
import { hasPrimaryFunction } from "./mysql-rejoin";

/**
 * A member that is in no group yet is ready as soon as it answers. One that finds no group, or failed to join it, is given up after
 * two minutes: it may be that all are down, and then the one that has most is to be told to begin. Until then it may join once more
 * (`trilithon-mysql-rejoin`), before the next one is restarted. One that was in the group up to this restart, and finds it, is not
 * given up: what it starts with now keeps it out, as it would the next one. One that was outside before may have to be filled anew.
 */
export function renderGroupReadyScript(): string {
  return `set -- $(mysql --user=root --connect-timeout=2 --batch --skip-column-names --execute="SELECT CONCAT_WS(' ',
  COALESCE((SELECT MEMBER_STATE FROM performance_schema.replication_group_members WHERE MEMBER_ID = @@server_uuid), 'OFFLINE'),
  (SELECT COUNT(*) FROM performance_schema.persisted_variables WHERE VARIABLE_NAME = 'group_replication_group_name'),
  (SELECT VARIABLE_VALUE > 120 FROM performance_schema.global_status WHERE VARIABLE_NAME = 'Uptime'),
  (SELECT VARIABLE_VALUE FROM performance_schema.persisted_variables WHERE VARIABLE_NAME = 'group_replication_group_seeds'))")
[ $# -ge 3 ] || exit 1
state="$1 $2 $3"
${hasPrimaryFunction}
case "$state" in
  'ONLINE '* | 'OFFLINE 0 '*) exit 0 ;;
  'OFFLINE 1 1' | 'ERROR '*' 1')
    [ -e ${handover.leftFile} ] && has_primary "\${4-}" || exit 0
    echo "the member was in its group before the restart, and does not join it again" >&2 ;;
esac
echo "the member is $state" >&2
exit 1`;
}
