/** What has a certificate from an authority that speaks ACME on one host: a script, and the timer that runs it. */
import { writtenByTrilithon } from "./application-unit";
import { confineRoot } from "./unit-confinement";

export interface AcmeConfig {
  readonly email: string;
  /** URL of the authority's directory. */
  readonly directory: string;
  /** One or more. */
  readonly names: readonly string[];
}

const folder = "/var/lib/trilithon/acme";

export const acmeFiles = {
  script: "/etc/haproxy/trilithon-acme",
  config: "/etc/haproxy/acme.conf",
  accountKey: "/etc/haproxy/acme-account.key",
  /** Whom to trust for the directory, where systems do not by themselves. */
  directoryCa: "/etc/haproxy/acme-directory-ca.pem",
  /** With its key: it never leaves the host. */
  certificate: `${folder}/certificate.pem`,
  service: "/etc/systemd/system/trilithon-acme.service",
  timer: "/etc/systemd/system/trilithon-acme.timer",
};

/** Words that the script reads: none has a character that a shell would obey. */
export function renderAcmeConfig({ email, directory, names }: AcmeConfig): string {
  const host = new URL(directory).host.replaceAll(":", "_");
  return `email='${email}'
directory='${directory}'
names='${names.join(" ")}'
# Where lego looks for the account.
account='accounts/${host}/${email}'
`;
}

/** `paths`: other ones than on a host, for tests. */
export function renderAcmeScript(paths: Partial<typeof acmeFiles> = {}): string {
  const { config, accountKey, directoryCa, certificate } = { ...acmeFiles, ...paths };
  return `#!/bin/sh
${writtenByTrilithon}
# placeholder: makes a certificate of its own where there is none, so that HAProxy can start.
# issue: gets one from the authority where there is none, names changed, or the last third of its life has begun.
set -eu
export LC_ALL=C
umask 077
certificate=${certificate}
folder=$(dirname "$certificate")

put() {
  cat "$@" >"$certificate.new"
  mv "$certificate.new" "$certificate"
}

placeholder() {
  if [ -s "$certificate" ]; then return; fi
  mkdir -p "$folder"
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj /CN=placeholder \\
    -keyout "$folder/placeholder.key" -out "$folder/placeholder.crt" 2>/dev/null
  put "$folder/placeholder.crt" "$folder/placeholder.key"
  rm "$folder/placeholder.crt" "$folder/placeholder.key"
}

time_of() { date -d "$(openssl x509 -in "$certificate" -noout "$1" | cut -d = -f 2)" +%s; }

is_due() {
  [ "$(cat "$folder/issued" 2>/dev/null)" = "$directory $names" ] || return 0
  end=$(time_of -enddate)
  life=$((end - $(time_of -startdate)))
  # Hosts do not ask in the same hour, if they began together.
  number=$(uname -n | cksum | cut -d ' ' -f 1)
  early=$((number % (life / 12 + 1)))
  [ $((end - $(date +%s))) -lt $((life / 3 + early)) ]
}

issue() {
  . ${config}
  placeholder
  is_due || return 0
  # Each attempt counts at the authority: none is for nothing.
  haproxy -c -q -f /etc/haproxy/haproxy.cfg
  mkdir -p "$folder/lego/$account/keys" "$folder/lego/webroot"
  cp ${accountKey} "$folder/lego/$account/keys/$email.key"
  # Who asks for an account with a key that has one gets that one: also where the authority forgot it.
  rm -f "$folder/lego/$account/account.json"
  if [ -e ${directoryCa} ]; then export LEGO_CA_CERTIFICATES=${directoryCa}; fi
  set --
  for name in $names; do set -- "$@" --domains "$name"; done
  # HAProxy answers each challenge by itself, on every load balancer: nobody reads what is written to the webroot.
  lego --accept-tos --email "$email" --server "$directory" --path "$folder/lego" --key-type ec256 "$@" \\
    --http --http.webroot "$folder/lego/webroot" run
  first=\${names%% *}
  cp -p "$certificate" "$folder/former.pem"
  put "$folder/lego/certificates/$first.crt" "$folder/lego/certificates/$first.key"
  if ! haproxy -c -q -f /etc/haproxy/haproxy.cfg; then
    mv "$folder/former.pem" "$certificate"
    echo "HAProxy does not take the certificate: the former one is back" >&2
    return 1
  fi
  echo "$directory $names" >"$folder/issued"
  # One copy of each key is enough.
  rm -f "$folder/former.pem" "$folder/lego/certificates/$first.key"
  systemctl reload haproxy
}

"$1"
`;
}

export function renderAcmeService(): string {
  return `${writtenByTrilithon}
[Unit]
Description=Certificate of the load balancer
After=network-online.target haproxy.service
Wants=network-online.target

[Service]
Type=oneshot
ExecStart=${acmeFiles.script} issue
TimeoutStartSec=10min
ReadWritePaths=${folder}
PrivateTmp=yes
${confineRoot({ addressFamilies: ["AF_INET", "AF_INET6", "AF_NETLINK"] })}
ProtectKernelTunables=yes
`;
}

/** An hour after each run, also one that failed: authorities allow five failures an hour. */
export function renderAcmeTimer(): string {
  return `${writtenByTrilithon}
[Unit]
Description=Certificate of the load balancer, renewed in time

[Timer]
OnActiveSec=2s
OnBootSec=1min
OnUnitInactiveSec=1h
AccuracySec=1s

[Install]
WantedBy=timers.target
`;
}
