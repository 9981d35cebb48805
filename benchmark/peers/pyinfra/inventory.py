"""The hosts, from what the benchmark writes beside this file."""

import json
from pathlib import Path

described = json.loads((Path(__file__).parent / "hosts.json").read_text())


def having(role):
    return [(name, values) for name, values in described["hosts"].items() if role in values["roles"]]


load_balancer = having("load-balancer")
web = having("web")
primary = having("database-primary")
replica = having("database-replica")
