/** The unit beside mysqld that brings a member back into its group. */

import { roleCheck } from "./mysql-role";
import { confineRoot } from "./unit-confinement";

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
PrivateTmp=yes
${confineRoot({ addressFamilies: ["AF_INET"] })}
ProtectKernelTunables=yes

[Install]
WantedBy=multi-user.target
`;
}

/** Of the shell: whether one of the addresses, `10.0.0.11:3306,10.0.0.12:3306`, is the primary's. */
export const hasPrimaryFunction = `# Whether any of these is the primary: trilithon-mysql-role says so.
has_primary() {
  perl -MIO::Socket::INET -e '
    for my $seed (split /,/, $ARGV[0]) {
      my $answer = eval {
        local $SIG{ALRM} = sub { die };
        alarm 2;
        my $peer = IO::Socket::INET->new(PeerAddr => $seed =~ s/:.*//r, PeerPort => ${roleCheck.port}, Timeout => 1) or die;
        print $peer "GET /primary HTTP/1.0\\r\\n\\r\\n";
        my $line = <$peer>;
        $line;
      };
      alarm 0;
      exit 0 if ($answer // "") =~ m{^HTTP/1\\.\\d 200 };
    }
    exit 1;' "$1"
}`;

/**
 * MySQL's own attempts last for a minute each, whatever happens meanwhile, and nothing can end one: so it makes none
 * (`group_replication_autorejoin_tries`), and the member joins as soon as another one says that it is the primary. A group lets
 * nobody in who has more than it, and nobody begins one here.
 */
export function renderRejoinScript(): string {
  return `#!/bin/sh
# Written by trilithon: what is changed here by hand is taken back by the next \`pulumi up\`.
# A member that left its group without being told to joins it again once the group has a primary, where that fails less and less
# often.
export LC_ALL=C

sql() {
  mysql --user=root --connect-timeout=2 --batch --skip-column-names --execute="$1"
}

# Its state; whether it is to join at a start and knows its group, that start is over (MySQL tries for about a minute), and nobody
# else is at work on it; whether clients are let in; where the members are.
status="SELECT CONCAT_WS(' ',
  COALESCE((SELECT MEMBER_STATE FROM performance_schema.replication_group_members WHERE MEMBER_ID = @@server_uuid), 'OFFLINE'),
  @@GLOBAL.group_replication_start_on_boot
    AND (SELECT COUNT(*) FROM performance_schema.persisted_variables WHERE VARIABLE_NAME = 'group_replication_group_name')
    AND (SELECT VARIABLE_VALUE > 90 FROM performance_schema.global_status WHERE VARIABLE_NAME = 'Uptime')
    AND NOT (SELECT COUNT(*) FROM performance_schema.processlist
      WHERE INFO LIKE 'START GROUP%' OR INFO LIKE 'STOP GROUP%' OR INFO LIKE 'CLONE INSTANCE%'),
  @@GLOBAL.offline_mode,
  @@GLOBAL.group_replication_group_seeds)"

${hasPrimaryFunction}

waited=0
limit=2
tried=
while :; do
  set -- $(timeout --kill-after=1 10 mysql --user=root --connect-timeout=2 --batch --skip-column-names --execute="$status" 2>/dev/null)
  case "$1 $2" in
    'ONLINE '*)
      # It was closed to clients when it left.
      [ -z "$tried" ] || [ "$3" = 0 ] || sql 'SET GLOBAL offline_mode = OFF'
      waited=0
      limit=2
      tried= ;;
    'ERROR 1' | 'OFFLINE 1') waited=$((waited + 2)) ;;
    *) waited=0 ;;
  esac
  least=$limit
  # Somebody stopped it, and may go on with it.
  [ "$1 $limit" != 'OFFLINE 2' ] || least=10
  # A start where there is no group lasts for a minute, in which the member does not see that there is one again.
  if [ "$waited" -ge "$least" ] && { [ "$waited" -ge 300 ] || has_primary "$4"; }; then
    echo "$1: joins its group again"
    sql 'STOP GROUP_REPLICATION; START GROUP_REPLICATION'
    waited=0
    tried=yes
    limit=$((limit * 4))
    [ "$limit" -le 300 ] || limit=300
  fi
  sleep 2
done
`;
}
