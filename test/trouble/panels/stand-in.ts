/** A package in the place of Grafana's, which is not to be had here: with its user, files and unit as it has them, and a program that reads what the stack wrote. */

/** In perl, which every Debian has: it answers once it has read all as its user. */
const program = `#!/usr/bin/perl
use strict;
use warnings;
use IO::Socket::INET;

sub text { open my $file, '<', $_[0] or die "$_[0]: $!\\n"; local $/; return scalar <$file> }

my %of;
my $section = '';
for my $line (split /\\n/, text('/etc/grafana/grafana.ini')) {
  if ($line =~ /^\\[(.+)\\]$/) { $section = $1 } elsif ($line =~ /^(\\w+) = (.*)$/) { $of{"$section.$1"} = $2 }
}
for my $name ('security.admin_password', 'security.secret_key') {
  my ($path) = ($of{$name} // '') =~ /^\\$__file\\{(.+)\\}$/ or die "$name\\n";
  length text($path) >= 16 or die "$path: too short\\n";
}
text($_) =~ /^apiVersion: 1$/m or die "$_\\n" for glob '/etc/grafana/provisioning/*/trilithon.yaml';
text('/etc/grafana/provisioning/dashboards/trilithon.yaml') =~ m{path: (/\\S+)} or die "no path\\n";
my @dashboards = glob "$1/*.json" or die "no dashboard\\n";
text($_) for @dashboards, $of{'dashboards.default_home_dashboard_path'};

my $listener = IO::Socket::INET->new(
  LocalAddr => $of{'server.http_addr'}, LocalPort => $of{'server.http_port'}, Listen => 8, ReuseAddr => 1,
) or die "cannot listen: $@\\n";
while (my $client = $listener->accept) {
  my ($path) = (<$client> // '') =~ m{^GET (\\S+) };
  my $status = ($path // '') eq '/api/health' ? '200 OK' : '404 Not Found';
  print $client "HTTP/1.0 $status\\r\\nContent-Length: 0\\r\\n\\r\\n";
  close $client;
}
`;

/** What Grafana's own package does to its files, each time when it is installed or upgraded. */
export const settleFiles = `chown -Rh root:grafana /etc/grafana/*
chmod 755 /etc/grafana
find /etc/grafana -type f -exec chmod 640 {} ';'
find /etc/grafana -type d -exec chmod 755 {} ';'`;

const unit = `[Unit]
Description=Grafana instance

[Service]
User=grafana
Group=grafana
Restart=on-failure
ExecStart=/usr/share/grafana/bin/grafana

[Install]
WantedBy=multi-user.target
`;

const postinst = `#!/bin/sh
set -e
id grafana >/dev/null 2>&1 || useradd --system --home-dir /usr/share/grafana --no-create-home --shell /bin/false grafana
${settleFiles}
`;

/** Where it makes a package source of it, without a signature. */
export const repository = "/srv/grafana-packages";

export const makeRepository = `set -eu
rm -rf ${repository} && mkdir -p ${repository} && cd ${repository}
mkdir -p p/DEBIAN p/usr/share/grafana/bin p/lib/systemd/system p/etc/grafana/provisioning/dashboards p/etc/grafana/provisioning/datasources
printf 'Package: grafana\\nVersion: 13.0.1\\nArchitecture: all\\nMaintainer: nobody <nobody@example.com>\\nDescription: a stand-in\\n' >p/DEBIAN/control
cat >p/DEBIAN/postinst <<'END'
${postinst}END
cat >p/usr/share/grafana/bin/grafana <<'END'
${program}END
cat >p/lib/systemd/system/grafana-server.service <<'END'
${unit}END
echo '# as it is delivered' >p/etc/grafana/grafana.ini
chmod 755 p/DEBIAN/postinst p/usr/share/grafana/bin/grafana
dpkg-deb --build --root-owner-group p grafana_13.0.1_all.deb >/dev/null
{ cat p/DEBIAN/control; printf 'Filename: ./grafana_13.0.1_all.deb\\nSize: %s\\nSHA256: %s\\n' "$(stat -c %s grafana_13.0.1_all.deb)" "$(sha256sum grafana_13.0.1_all.deb | cut -d' ' -f1)"; } >Packages
echo 'APT::Get::AllowUnauthenticated "true"; Acquire::AllowInsecureRepositories "true";' >/etc/apt/apt.conf.d/99trial`;
