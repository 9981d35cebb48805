"""What pyinfra has no facts for."""

from pyinfra.api import FactBase


class MysqlVariables(FactBase):
    """Global variables by name."""

    default = dict

    def requires_command(self, *args, **kwargs):
        return "mysql"

    def command(self, names):
        listed = ", ".join(f"'{name}'" for name in names)
        return f'mysql -BNe "SHOW GLOBAL VARIABLES WHERE Variable_name IN ({listed})"'

    def process(self, output):
        return dict(line.split("\t", 1) for line in output if "\t" in line)


class MysqlReplicates(FactBase):
    """Whether both threads of a replica run."""

    default = bool

    def requires_command(self, *args, **kwargs):
        return "mysql"

    def command(self):
        return 'mysql --commands -e "SHOW REPLICA STATUS\\G"'

    def process(self, output):
        text = "\n".join(output)
        return "Replica_IO_Running: Yes" in text and "Replica_SQL_Running: Yes" in text
