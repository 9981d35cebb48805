"""The stack as pyinfra's own operations describe it. Files, packages and names stand in the inventory."""

from pyinfra import host, inventory
from pyinfra.facts.mysql import MysqlUsers
from pyinfra.operations import apt, files, mysql, server, systemd

from facts import MysqlReplicates, MysqlVariables

release = host.data.release
database = host.data.database
services = host.data.services
current = f"{release['root']}/releases/{release['version']}"


def put_files(service):
    return [
        files.put(
            name=f"{service}: {file['path']}",
            src=f"files/{host.name}{file['path']}",
            dest=file["path"],
            user="root",
            group="root",
            mode=file["mode"],
        )
        for file in services[service]["files"]
    ]


def changed(operations):
    return lambda: any(operation.did_change() for operation in operations)


def persist(name, values):
    found = host.get_fact(MysqlVariables, names=list(values))
    wanted = {key: value for key, value in values.items() if found.get(key) != value}
    if wanted:
        statements = "; ".join(f"SET PERSIST {key} = {value}" for key, value in wanted.items())
        server.shell(name=name, commands=[f'mysql -e "{statements}"'])


apt.packages(
    name="Packages",
    packages=host.data.packages,
    no_recommends=True,
    update=True,
    cache_time=43200,
)

if "web" in host.groups:
    configured = put_files("mysql")
    systemd.service(name="MySQL", service="mysql.service", running=True, enabled=True)
    systemd.service(
        name="Restart MySQL", service="mysql.service", restarted=True, _if=changed(configured)
    )

if "primary" in host.groups:
    persist(
        "MySQL: the primary takes writes",
        {
            "super_read_only": "OFF",
            "read_only": "OFF",
            "rpl_semi_sync_source_timeout": str(database["semiSyncTimeout"]),
        },
    )
    mysql.database(name="Database", database=database["name"], charset="utf8mb4")
    mysql.user(
        name="Account for replication",
        user=database["replication"]["name"],
        password=database["replication"]["password"],
        user_hostname="%",
    )
    mysql.privileges(
        name="Rights for replication",
        user=database["replication"]["name"],
        user_hostname="%",
        privileges=["REPLICATION SLAVE"],
    )
    mysql.user(
        name="Account of the application",
        user=database["account"]["name"],
        password=database["account"]["password"],
        user_hostname="%",
    )
    mysql.privileges(
        name="Rights of the application",
        user=database["account"]["name"],
        user_hostname="%",
        privileges=database["privileges"],
        database=database["name"],
    )

    users = host.get_fact(MysqlUsers)
    for account in database["localAccounts"]:
        user = f"{account['name']}@localhost"
        if user not in users:
            create = f"CREATE USER {user} IDENTIFIED WITH auth_socket"
            grant = f"GRANT SELECT ON {account['reads']} TO {user}"
            server.shell(name=f"Account {user}", commands=[f'mysql -e "{create}; {grant}"'])

if "replica" in host.groups:
    persist("MySQL: the replica acknowledges", {"rpl_semi_sync_replica_enabled": "ON"})
    if not host.get_fact(MysqlReplicates):
        primary = inventory.get_group("primary")[0]
        source = ", ".join(
            [
                f"SOURCE_HOST = '{primary.data.address}'",
                f"SOURCE_USER = '{database['replication']['name']}'",
                f"SOURCE_PASSWORD = '{database['replication']['password']}'",
                "SOURCE_AUTO_POSITION = 1",
                "SOURCE_SSL = 1",
            ]
        )
        statements = f"STOP REPLICA; CHANGE REPLICATION SOURCE TO {source}; START REPLICA"
        server.shell(name="Replication", commands=[f'mysql -e "{statements}"'])

if "primary" in host.groups:
    persist("MySQL: commits wait for the replica", {"rpl_semi_sync_source_enabled": "ON"})

if "web" in host.groups:
    for user, home in host.data.users.items():
        server.user(
            name=f"User {user}",
            user=user,
            home=home,
            system=True,
            create_home=False,
            ensure_home=False,
            shell="/usr/sbin/nologin",
        )
    for helper in host.data.helpers:
        configured = put_files(helper)
        systemd.service(
            name=helper,
            service=services[helper]["unit"],
            running=True,
            enabled=True,
            daemon_reload=any(operation.will_change for operation in configured),
        )
        systemd.service(
            name=f"Restart {helper}",
            service=services[helper]["unit"],
            restarted=True,
            _if=changed(configured),
        )
    server.user(
        name="User",
        user=release["name"],
        home=release["root"],
        system=True,
        create_home=False,
        ensure_home=False,
        shell="/usr/sbin/nologin",
    )
    synced = files.sync(
        name="Release",
        src="files/release",
        dest=current,
        user="root",
        group="root",
        mode="644",
        dir_mode="755",
    )
    linked = files.link(
        name="Version in use",
        path=f"{release['root']}/current",
        target=f"releases/{release['version']}",
    )
    configured = put_files(release["name"])
    systemd.service(
        name="Application",
        service=f"{release['name']}.service",
        running=True,
        enabled=True,
        daemon_reload=any(operation.will_change for operation in configured),
    )
    systemd.service(
        name="Restart the application",
        service=f"{release['name']}.service",
        restarted=True,
        _if=changed([synced, linked, *configured]),
    )
    configured = put_files("nginx")
    removed = [
        files.link(name=f"nginx: no {path}", path=path, present=False)
        for path in services["nginx"]["absent"]
    ]
    systemd.service(name="Nginx", service="nginx.service", running=True, enabled=True)
    systemd.service(
        name="Reload Nginx",
        service="nginx.service",
        reloaded=True,
        _if=changed([*configured, *removed]),
    )

if "load_balancer" in host.groups:
    configured = put_files("haproxy")
    systemd.service(
        name="HAProxy",
        service="haproxy.service",
        running=True,
        enabled=True,
        daemon_reload=any(operation.will_change for operation in configured),
    )
    systemd.service(
        name="Reload HAProxy", service="haproxy.service", reloaded=True, _if=changed(configured)
    )
