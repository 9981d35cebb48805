import pymysql

# Django asks for a version of mysqlclient.
pymysql.version_info = (2, 2, 8, "final", 0)
pymysql.install_as_MySQLdb()
