/** What people do to machines by hand, and how the preview must tell it. A round is broken and mended together. */

export interface Drift {
  readonly name: string;
  readonly host: string;
  readonly break: string;
  readonly resource: string;
  /** All that the preview may name of the resource, together with the round's other drifts of it. */
  readonly paths: readonly string[];
  readonly sentence: RegExp;
  /** Units that get a new process, by the break or by the mending. */
  readonly restarts?: readonly string[];
}

const haproxy = { host: "lb-01", resource: "load-balancer-lb-01-service" };
const nginx = (host: string) => ({ host, resource: `${host}-nginx-service` });
const application = (host: string) => ({ host, resource: `application-${host}` });
const mysql = (host: string) => ({ host, resource: `database-${host}-service` });
const opening = (host: string) => ({ host, resource: `database-${host}-opening` });
const proxy = (host: string) => ({ host, resource: `database-proxy-${host}-service` });
const role = (host: string) => ({ host, resource: `database-${host}-role` });
const replication = { resource: "database-replication" };
const content = { resource: "database-content" };
const sql = (statement: string) => `mysql -e "${statement}"`;

/** Of each of its accounts: there is one for every member's address. */
const otherPassword =
  "SELECT CONCAT('ALTER USER ', QUOTE(User), '@', QUOTE(Host), ' IDENTIFIED BY ''by-hand-by-hand'';') FROM mysql.user WHERE User = 'trilithon_replication'";

const admin = (command: string) => `echo '${command}' | socat stdio /run/haproxy/admin.sock`;

const servers =
  /^lb-01: put back what was set at run time \(web_servers\/web-01 is in maintenance, web_servers\/web-02 has the weight 50, not 1\) \[drift\]$/;
const haproxyNotes =
  /^lb-01: take note of \/etc\/default\/haproxy and \/etc\/systemd\/system\/haproxy\.service\.d\/by-hand\.conf \(not of this stack: left as it is\) \[drift\]$/;

/** Lets the second pass in which a unit was last started or reloaded. */
const later = "sleep 1.1;";

export const drifts: readonly (readonly Drift[])[] = [
  [
    {
      name: "a line added to haproxy.cfg",
      ...haproxy,
      break: `${later} echo '# by hand' >>/etc/haproxy/haproxy.cfg`,
      paths: ['files["/etc/haproxy/haproxy.cfg"].content', "configuration"],
      sentence:
        /^lb-01: write \/etc\/haproxy\/haproxy\.cfg \(1 line\), check it, reload haproxy \(no connection dropped; WebSockets go on for 1 hour\), wait until it is ready \[drift\]$/,
    },
    {
      name: "the mode of nginx's site changed",
      ...nginx("web-01"),
      break: "chmod 0600 /etc/nginx/conf.d/trilithon.conf",
      paths: ['files["/etc/nginx/conf.d/trilithon.conf"].mode'],
      sentence:
        /^web-01: set \/etc\/nginx\/conf\.d\/trilithon\.conf to mode 0644, owner root:root, check it \[drift\]$|^web-01: set \/etc\/nginx\/conf\.d\/trilithon\.conf to mode 0644, owner root:root \[drift\]$/,
    },
    {
      name: "nginx stopped",
      ...nginx("web-02"),
      break: "systemctl stop nginx",
      paths: ["state"],
      sentence: /^web-02: check it, start nginx, wait until it is ready \[drift\]$/,
      restarts: ["web-02/nginx"],
    },
    {
      name: "a package removed",
      host: "lb-01",
      resource: "load-balancer-lb-01-packages",
      break: "dpkg --remove --force-depends socat",
      paths: ["packages.socat"],
      sentence: /^lb-01: install socat \S+ \[drift\]$/,
    },
    {
      name: "a line added to the configuration of the proxy to the database",
      ...proxy("web-02"),
      break: `${later} echo '# by hand' >>/etc/trilithon/database-proxy.cfg`,
      paths: ['files["/etc/trilithon/database-proxy.cfg"].content', "configuration"],
      sentence:
        /^web-02: write \/etc\/trilithon\/database-proxy\.cfg \(1 line\), check it, reload trilithon-database-proxy \(open connections end; after 5 seconds at most\), wait until it is ready \[drift\]$/,
    },
    {
      name: "the replica stopped",
      host: "web-02",
      ...replication,
      break: sql("STOP REPLICA"),
      paths: ['status["web-02"].replication'],
      sentence: /^web-02: follow web-01 \(was: stopped\) \[drift\]$/,
    },
    {
      name: "a variable of MySQL's file set otherwise at run time",
      ...mysql("web-01"),
      break: sql("SET GLOBAL max_connections = 7"),
      paths: ["overridden"],
      sentence:
        /^web-01: put back what was set at run time \(max_connections is 7, not 200\) \[drift\]$/,
    },
    {
      name: "a package that is to be held, released",
      host: "web-01",
      resource: "web-01-nginx-packages",
      break: "apt-mark unhold nginx",
      paths: ["hold.nginx"],
      sentence: /^web-01: hold nginx at its version \[drift\]$/,
    },
    {
      name: "a package source edited",
      host: "web-02",
      resource: "web-02-package-sources",
      break:
        "sed -i 's/^Components:.*/Components: contrib non-free/' /etc/apt/sources.list.d/trilithon-more.sources",
      paths: ["sources.more.components"],
      sentence: /^web-02: write the package source more \(another components\) \[drift\]$/,
    },
  ],
  [
    {
      name: "haproxy disabled at boot",
      ...haproxy,
      break: "systemctl disable haproxy",
      paths: ["enabled"],
      sentence: /^lb-01: enable haproxy at boot \[drift\]$/,
    },
    {
      name: "the owner of nginx's site changed",
      ...nginx("web-01"),
      break: "chown www-data /etc/nginx/conf.d/trilithon.conf",
      paths: ['files["/etc/nginx/conf.d/trilithon.conf"].owner'],
      sentence:
        /^web-01: set \/etc\/nginx\/conf\.d\/trilithon\.conf to mode 0644, owner root:root.* \[drift\]$/,
    },
    {
      name: "Debian's own site enabled again",
      ...nginx("web-02"),
      break: "ln -sf /etc/nginx/sites-available/default /etc/nginx/sites-enabled/default",
      paths: ["absent"],
      sentence:
        /^web-02: move \/etc\/nginx\/sites-enabled\/default aside, check it, reload nginx \(no connection dropped\), wait until it is ready \[drift\]$/,
    },
    {
      name: "the application's environment changed",
      ...application("web-01"),
      break: `${later} echo 'MORE=1' >>/etc/guestbook/environment`,
      paths: ['files["/etc/guestbook/environment"].content', "configuration"],
      sentence:
        /^web-01: write \/etc\/guestbook\/environment \(MORE gone\), drain the host and restart guestbook \(no request lost while another server serves\), wait until it is ready \[drift\]$/,
      restarts: ["web-01/guestbook"],
    },
    {
      name: "the replica writable",
      host: "web-02",
      ...replication,
      break: sql("SET GLOBAL super_read_only = OFF; SET GLOBAL read_only = OFF"),
      paths: ['status["web-02"].writes'],
      sentence: /^web-02: .* \[drift\]$/,
    },
    {
      name: "what opens the primary disabled at boot",
      ...opening("web-01"),
      break: "systemctl disable trilithon-mysql-opening",
      paths: ["enabled"],
      sentence: /^web-01: enable trilithon-mysql-opening at boot \[drift\]$/,
    },
    {
      name: "a file of somebody else's in MySQL's conf.d",
      ...mysql("web-02"),
      break: "printf '[mysqld]\\nlong_query_time = 3\\n' >/etc/mysql/conf.d/by-hand.cnf",
      paths: ["foreign"],
      sentence:
        /^web-02: take note of \/etc\/mysql\/conf\.d\/by-hand\.cnf \(not of this stack: left as it is\) \[drift\]$/,
    },
    {
      name: "the home of the application's user changed",
      ...application("web-02"),
      break: "sed -i 's#:/srv/guestbook:#:/nonexistent:#' /etc/passwd",
      paths: ["users.guestbook"],
      sentence: /^web-02: set the home of user guestbook to \/srv\/guestbook \[drift\]$/,
    },
    {
      name: "an account's limit of connections changed",
      host: "web-01",
      ...content,
      break: sql("ALTER USER guestbook@localhost WITH MAX_USER_CONNECTIONS 3"),
      paths: ['accounts["guestbook@localhost"].maxConnections'],
      sentence: /^web-01: change account guestbook@localhost \(at most 90 connections\) \[drift\]$/,
    },
  ],
  [
    {
      name: "haproxy stopped",
      ...haproxy,
      break: "systemctl stop haproxy",
      paths: ["state"],
      sentence: /^lb-01: check it, start haproxy, wait until it is ready \[drift\]$/,
      restarts: ["lb-01/haproxy"],
    },
    {
      name: "nginx's site removed",
      ...nginx("web-01"),
      break: "rm /etc/nginx/conf.d/trilithon.conf",
      paths: ['files["/etc/nginx/conf.d/trilithon.conf"]'],
      sentence:
        /^web-01: write \/etc\/nginx\/conf\.d\/trilithon\.conf \(new, \d+ lines\), check it, reload nginx \(no connection dropped\), wait until it is ready \[drift\]$/,
    },
    {
      name: "the version in use removed",
      ...application("web-01"),
      break: "rm -r /srv/guestbook/releases/*",
      paths: ["version"],
      sentence:
        /^web-01: send version ([0-9a-f]+), switch \/srv\/guestbook\/current to \1, drain the host and restart guestbook \(no request lost while another server serves\), wait until it is ready \[drift\]$/,
      restarts: ["web-01/guestbook"],
    },
    {
      name: "the application's unit edited",
      ...application("web-02"),
      break: `${later} sed -i 's/^NoNewPrivileges=.*/NoNewPrivileges=no/' /etc/systemd/system/guestbook.service`,
      paths: ['files["/etc/systemd/system/guestbook.service"].content', "configuration"],
      sentence:
        /^web-02: write \/etc\/systemd\/system\/guestbook\.service \(1 line\), drain the host and restart guestbook \(no request lost while another server serves\), wait until it is ready \[drift\]$/,
      restarts: ["web-02/guestbook"],
    },
    {
      name: "a grant taken away",
      host: "web-01",
      ...content,
      break: sql("REVOKE INSERT ON guestbook.* FROM guestbook@localhost"),
      paths: ['accounts["guestbook@localhost"].grants["guestbook.*"]'],
      sentence: /guestbook.* \[drift\]$/,
    },
    {
      name: "a variable of MySQL's file set otherwise for good",
      ...mysql("web-02"),
      break: sql("SET PERSIST sync_binlog = 0"),
      paths: ["overridden"],
      sentence:
        /^web-02: put back what was set at run time \(sync_binlog is 0, not 1, sync_binlog is 0 in mysqld-auto\.cnf\) \[drift\]$/,
    },
    {
      name: "a static file edited in place",
      host: "web-01",
      resource: "application-web-01-assets",
      break: "find /srv/guestbook.assets/current/ -type f -exec sh -c 'echo >>\"$1\"' sh {} \\;",
      paths: ["version"],
      sentence:
        /^web-01: send version (\S+), switch \/srv\/guestbook\.assets\/current to \1 \(now \1, edited in place\) \[drift\]$/,
    },
    {
      name: "a link in place of nginx's site",
      ...nginx("web-02"),
      break:
        "mv /etc/nginx/conf.d/trilithon.conf /root/ && ln -s /root/trilithon.conf /etc/nginx/conf.d/",
      paths: ["content", "mode", "owner", "group"].map(
        (field) => `files["/etc/nginx/conf.d/trilithon.conf"].${field}`,
      ),
      sentence:
        /^web-02: write \/etc\/nginx\/conf\.d\/trilithon\.conf \(in place of a link, \d+ lines\), check it, reload nginx \(no connection dropped\), wait until it is ready \[drift\]$/,
    },
  ],
  [
    {
      name: "a configuration that a reload by hand took in, put back with its old date",
      ...haproxy,
      break: `cp -a /etc/haproxy/haproxy.cfg /root/ && echo '# by hand' >>/etc/haproxy/haproxy.cfg && systemctl reload haproxy && sleep 2 && cp -a /root/haproxy.cfg /etc/haproxy/haproxy.cfg`,
      paths: ["configuration"],
      sentence:
        /^lb-01: check it, reload haproxy \(no connection dropped; WebSockets go on for 1 hour\), wait until it is ready \[drift\]$/,
    },
    {
      name: "nginx stopped and masked",
      ...nginx("web-01"),
      break: "systemctl stop nginx; systemctl mask nginx",
      paths: ["state", "enabled", "masked"],
      sentence:
        /^web-01: check it, unmask nginx, start nginx, wait until it is ready, enable nginx at boot \[drift\]$/,
      restarts: ["web-01/nginx"],
    },
    {
      name: "`current` pointing nowhere known",
      ...application("web-02"),
      break:
        "mkdir -p /srv/guestbook/releases/byhand && ln -sfn releases/byhand /srv/guestbook/current",
      paths: ["version"],
      sentence:
        /^web-02: switch \/srv\/guestbook\/current to [0-9a-f]+ \(now byhand\), drain the host and restart guestbook \(no request lost while another server serves\), wait until it is ready \[drift\]$/,
      restarts: ["web-02/guestbook"],
    },
    {
      name: "an account's password changed",
      host: "web-01",
      ...content,
      break: sql("ALTER USER guestbook@localhost IDENTIFIED BY 'by-hand-by-hand'"),
      paths: ['accounts["guestbook@localhost"].password'],
      sentence: /guestbook.* \[drift\]$/,
    },
    {
      name: "a package older than it was",
      host: "lb-01",
      resource: "load-balancer-lb-01-packages",
      break: `d=$(mktemp -d) && mkdir $d/DEBIAN && printf 'Package: socat\\nVersion: 0.1\\nArchitecture: all\\nMaintainer: nobody <nobody@example.com>\\nDescription: old\\n' >$d/DEBIAN/control && dpkg-deb -b $d /root/socat.deb && dpkg --install --force-downgrade /root/socat.deb`,
      paths: ["packages.socat"],
      sentence: /^lb-01: upgrade socat from 0\.1 to \S+ \[drift\]$/,
    },
    {
      name: "the script that opens the primary edited",
      ...opening("web-02"),
      break: `${later} echo '# by hand' >>/usr/local/sbin/trilithon-mysql-opening`,
      paths: ['files["/usr/local/sbin/trilithon-mysql-opening"].content', "configuration"],
      sentence:
        /^web-02: write \/usr\/local\/sbin\/trilithon-mysql-opening \(1 line\), restart trilithon-mysql-opening, wait until it is ready \[drift\]$/,
    },
    {
      name: "the replication account's password changed",
      host: "web-01",
      ...replication,
      break: `${sql(otherPassword)} -NB | mysql`,
      paths: ["replicationAccount.password"],
      sentence:
        /^web-01: set the password of the replication account trilithon_replication, the former one being good .* \[drift\]$/,
    },
    {
      name: "the application's unit linked to a file elsewhere",
      ...application("web-01"),
      break:
        "mv /etc/systemd/system/guestbook.service /root/ && systemctl link /root/guestbook.service",
      paths: ["content", "mode", "owner", "group"].map(
        (field) => `files["/etc/systemd/system/guestbook.service"].${field}`,
      ),
      sentence:
        /^web-01: write \/etc\/systemd\/system\/guestbook\.service \(in place of a link, \d+ lines\), drain the host and restart guestbook \(no request lost while another server serves\), wait until it is ready \[drift\]$/,
      restarts: ["web-01/guestbook"],
    },
  ],
  [
    {
      name: "the application stopped and disabled",
      ...application("web-01"),
      break: "systemctl disable --now guestbook",
      paths: ["state", "enabled"],
      sentence:
        /^web-01: start guestbook, wait until it is ready, enable guestbook at boot \[drift\]$/,
      restarts: ["web-01/guestbook"],
    },
    {
      name: "the application's secret file readable for all",
      ...application("web-02"),
      break: "chmod 0644 /etc/guestbook/secrets",
      paths: ['files["/etc/guestbook/secrets"].mode'],
      sentence: /^web-02: set \/etc\/guestbook\/secrets to mode 0600, owner root:root \[drift\]$/,
    },
    {
      name: "semi-synchronous replication switched off",
      host: "web-01",
      ...replication,
      break: sql("SET GLOBAL rpl_semi_sync_source_enabled = OFF"),
      paths: ['status["web-01"].semiSynchronous', "durability"],
      sentence: /^web-01: acknowledge a write only once a replica has it \[drift\]$/,
    },
    {
      name: "MySQL's configuration changed on the replica",
      ...mysql("web-02"),
      break: `${later} sed -i 's/^max_connections.*/max_connections = 7/' /etc/mysql/mysql.conf.d/zz-trilithon.cnf`,
      paths: ['files["/etc/mysql/mysql.conf.d/zz-trilithon.cnf"].content', "configuration"],
      sentence:
        /^web-02: write \/etc\/mysql\/mysql\.conf\.d\/zz-trilithon\.cnf \(1 line\), check it, restart mysql, wait until it is ready \[drift\]$/,
      restarts: ["web-02/mysql"],
    },
    {
      name: "a server taken out of the load balancer at run time",
      ...haproxy,
      break: admin("set server web_servers/web-01 state maint"),
      paths: ["overridden"],
      sentence: servers,
    },
    {
      name: "a server's weight changed at run time",
      ...haproxy,
      break: admin("set server web_servers/web-02 weight 50"),
      paths: ["overridden"],
      sentence: servers,
    },
  ],
  [
    {
      name: "a line added to Debian's own nginx.conf, and a reload",
      ...nginx("web-01"),
      break: "echo '# by hand' >>/etc/nginx/nginx.conf && systemctl reload nginx",
      paths: ["foreign"],
      sentence:
        /^web-01: take note of \/etc\/nginx\/nginx\.conf \(not of this stack: left as it is\) \[drift\]$/,
    },
    {
      name: "nginx's program replaced, as an upgrade does",
      ...nginx("web-02"),
      break: "cp -a /usr/sbin/nginx /usr/sbin/nginx.new && mv /usr/sbin/nginx.new /usr/sbin/nginx",
      // Its readiness is asked through it, of the application that hangs behind it, below.
      paths: ["process", "answers"],
      sentence:
        /^web-02: check it, restart nginx \(it runs a former \/usr\/sbin\/nginx\), wait until it is ready \[drift\]$/,
      restarts: ["web-02/nginx"],
    },
    {
      name: "a drain left behind",
      ...application("web-01"),
      break: ": >/run/guestbook.drain",
      paths: ["drained"],
      sentence:
        /^web-01: end the drain that was left behind \(\/run\/guestbook\.drain\) \[drift\]$/,
    },
    {
      name: "the primary taken out of the proxy at run time",
      ...proxy("web-02"),
      break:
        "echo 'set server primary/web-01 state maint' | socat stdio /run/trilithon-database-proxy/admin.sock",
      paths: ["overridden"],
      sentence:
        /^web-02: put back what was set at run time \(primary\/web-01 is in maintenance\) \[drift\]$/,
    },
    {
      name: "what tells the member's role stopped",
      ...role("web-01"),
      break: "systemctl stop trilithon-mysql-role",
      paths: ["state"],
      sentence: /^web-01: start trilithon-mysql-role, wait until it is ready \[drift\]$/,
    },
    {
      name: "the application hangs",
      ...application("web-02"),
      break: "systemctl kill --signal=STOP guestbook",
      paths: ["answers"],
      sentence:
        /^web-02: drain the host and restart guestbook \(no request lost while another server serves; it does not answer\), wait until it is ready \[drift\]$/,
      restarts: ["web-02/guestbook"],
    },
    {
      name: "a drop-in of somebody else's for haproxy's unit",
      ...haproxy,
      break: "printf '[Service]\\nNice=5\\n' >/etc/systemd/system/haproxy.service.d/by-hand.conf",
      paths: ["foreign"],
      sentence: haproxyNotes,
    },
    {
      name: "Debian's arguments for haproxy changed",
      ...haproxy,
      break: `echo 'EXTRAOPTS="-S /run/haproxy-master.sock"' >>/etc/default/haproxy`,
      paths: ["foreign"],
      sentence: haproxyNotes,
    },
    {
      name: "a variable that is not in MySQL's file set at run time",
      ...mysql("web-01"),
      break: sql("SET GLOBAL long_query_time = 2"),
      paths: ["foreign"],
      sentence:
        /^web-01: take note of \/run\/mysqld\/mysqld\.sock \(its variables\) \(not of this stack: left as it is\) \[drift\]$/,
    },
    {
      name: "what opens the primary stopped",
      ...opening("web-01"),
      break: "systemctl stop trilithon-mysql-opening",
      paths: ["state"],
      sentence: /^web-01: start trilithon-mysql-opening, wait until it is ready \[drift\]$/,
    },
  ],
  [
    {
      name: "a file of somebody else's in conf.d",
      ...nginx("web-01"),
      break:
        "echo 'server { listen 8099; }' >/etc/nginx/conf.d/by-hand.conf && systemctl reload nginx",
      paths: ["foreign"],
      sentence:
        /^web-01: take note of \/etc\/nginx\/conf\.d\/by-hand\.conf \(not of this stack: left as it is\) \[drift\]$/,
    },
    {
      name: "a drop-in of somebody else's for the application's unit",
      ...application("web-01"),
      break:
        "mkdir -p /etc/systemd/system/guestbook.service.d && printf '[Service]\\nNice=5\\n' >/etc/systemd/system/guestbook.service.d/by-hand.conf",
      paths: ["foreign"],
      sentence:
        /^web-01: take note of \/etc\/systemd\/system\/guestbook\.service\.d\/by-hand\.conf \(not of this stack: left as it is\) \[drift\]$/,
    },
    {
      name: "haproxy masked while it runs",
      ...haproxy,
      break: "systemctl mask haproxy",
      paths: ["enabled", "masked"],
      sentence: /^lb-01: unmask haproxy, enable haproxy at boot \[drift\]$/,
    },
    {
      name: "what tells the member's role edited",
      ...role("web-02"),
      break: "sed -i 's/^my .fresh = 1;/my $fresh = 60;/' /usr/local/sbin/trilithon-mysql-role",
      paths: ['files["/usr/local/sbin/trilithon-mysql-role"].content', "configuration"],
      sentence:
        /^web-02: write \/usr\/local\/sbin\/trilithon-mysql-role \(1 line\), restart trilithon-mysql-role, wait until it is ready \[drift\]$/,
    },
    {
      name: "another certificate in the place of a member's",
      ...mysql("web-02"),
      break: `${later} cat /etc/mysql/trilithon/authority.pem >/etc/mysql/trilithon/server.pem`,
      paths: ['files["/etc/mysql/trilithon/server.pem"].content', "configuration"],
      sentence:
        /^web-02: write \/etc\/mysql\/trilithon\/server\.pem \(\d+ lines\), check it, reload mysql \(no connection dropped; new ones are shown the certificate\), wait until it is ready \[drift\]$/,
    },
    {
      name: "the account of what tells the role given a password",
      host: "web-01",
      ...content,
      break: sql(
        "ALTER USER trilithon_role@localhost IDENTIFIED WITH caching_sha2_password BY 'by hand'",
      ),
      paths: ["accounts.trilithon_role.password"],
      sentence: /^web-01: change account trilithon_role \(its password\) \[drift\]$/,
    },
    {
      name: "nginx's drop-in removed",
      ...nginx("web-02"),
      break: "rm /etc/systemd/system/nginx.service.d/trilithon.conf",
      paths: ['files["/etc/systemd/system/nginx.service.d/trilithon.conf"]'],
      sentence:
        /^web-02: write \/etc\/systemd\/system\/nginx\.service\.d\/trilithon\.conf \(new, \d+ lines\), check it, reload nginx \(no connection dropped\), wait until it is ready \[drift\]$/,
    },
    {
      name: "a released file edited in place",
      ...application("web-02"),
      break: "echo '// by hand' >>/srv/guestbook/current/server.js",
      paths: ["version"],
      sentence:
        /^web-02: send version (\S+), switch \/srv\/guestbook\/current to \1 \(now \1, edited in place\), drain the host and restart guestbook \(no request lost while another server serves\), wait until it is ready \[drift\]$/,
      restarts: ["web-02/guestbook"],
    },
  ],
];
