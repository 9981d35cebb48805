# Run inside the new root as its last step.
set -eu

# Every host gets a key of its own, made before it: the first connection is already verified.
rm -f /etc/ssh/ssh_host_*
cat > /etc/ssh/sshd_config.d/trilithon.conf <<'END'
HostKey /etc/ssh/ssh_host_ed25519_key
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
END

# Mirrors may be frozen snapshots; nobody reads translated descriptions here.
cat > /etc/apt/apt.conf.d/90trilithon <<'END'
Acquire::Check-Valid-Until "false";
Acquire::Check-Date "false";
Acquire::Languages "none";
Acquire::Retries "3";
END

# A container's disk is thrown away with it.
echo force-unsafe-io > /etc/dpkg/dpkg.cfg.d/trilithon
cat >> /etc/dpkg/dpkg.cfg.d/trilithon <<'END'
path-exclude=/usr/share/doc/*
path-exclude=/usr/share/man/*
path-exclude=/usr/share/locale/*
END

: > /etc/machine-id
rm -rf /usr/share/doc/* /usr/share/man/* /usr/share/locale/*
rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb /var/cache/apt/*.bin /finish.sh

# systemd's first-boot jobs have nothing to do.
touch /etc/.updated /var/.updated
