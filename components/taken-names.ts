/** Names that no application may have, as it names a unit, a user, a group and folders after itself. */

/** Of what runs on the hosts, and its folders in `/etc` and `/var/lib`. */
const ofServices = [
  ...[
    "nginx",
    "haproxy",
    "keepalived",
    "mysql",
    "mysqld",
    "syncthing",
    "ssh",
    "sshd",
    "cron",
    "dbus",
  ],
  ...["apt", "dpkg", "default", "network", "pam", "php", "private", "security", "ssl", "sudo"],
  ...["polkitd", "docker", "containerd"],
  // The first application's resources have it.
  "application",
];

/** Debian's `base-passwd`: an application would share the user with others, or could not have its group. */
const ofDebian = [
  ...[
    "root",
    "daemon",
    "bin",
    "sys",
    "sync",
    "games",
    "man",
    "lp",
    "mail",
    "news",
    "uucp",
    "proxy",
  ],
  ...["www-data", "backup", "list", "irc", "nobody", "nogroup", "adm", "tty", "disk", "kmem"],
  ...["dialout", "fax", "voice", "cdrom", "floppy", "tape", "audio", "dip", "operator", "src"],
  ...["shadow", "utmp", "video", "sasl", "plugdev", "staff", "users", "input", "sgx", "kvm"],
  ...["render", "crontab", "netdev", "messagebus"],
];

export function isTakenName(name: string): boolean {
  return [...ofServices, ...ofDebian].includes(name) || /^(trilithon|systemd)(-|$)/.test(name);
}
