/** What has a certificate from an authority that speaks ACME on one host: a script, and the timer that runs it. */
import { writtenByTrilithon } from "./application-unit";
import { haproxyFiles } from "./haproxy-files";
import { confineRoot } from "./unit-confinement";

export interface AcmeConfig {
  readonly email: string;
  /** URL of the authority's directory. */
  readonly directory: string;
  /** One or more. */
  readonly names: readonly string[];
  /** As lego calls whoever has the DNS of the names. Default: HAProxy answers the authority at port 80. */
  readonly dnsProvider?: string | undefined;
}

const folder = "/var/lib/trilithon/acme";

/** `NAME.service` gets a certificate where one is due, `NAME.timer` starts it. */
export const acmeUnit = "trilithon-acme";

export const acmeFiles = {
  script: "/etc/haproxy/trilithon-acme",
  config: "/etc/haproxy/acme.conf",
  accountKey: "/etc/haproxy/acme-account.key",
  /** What lego is told of whoever has the DNS of the names. */
  variables: "/etc/haproxy/acme-environment",
  /** Whom to trust for the directory, where systems do not by themselves. */
  directoryCa: "/etc/haproxy/acme-directory-ca.pem",
  /** With its key: it never leaves the host. */
  certificate: `${folder}/certificate.pem`,
  service: `/etc/systemd/system/${acmeUnit}.service`,
  timer: `/etc/systemd/system/${acmeUnit}.timer`,
};

/** What a change of HAProxy's files has replaced so far, and its lock: `transaction.ts` of the plugin. */
const transaction = { undo: "/var/lib/trilithon/undo", lock: "/run/lock/trilithon" };

/** Words that the script reads: none has a character that a shell would obey. */
export function renderAcmeConfig({ email, directory, names, dnsProvider }: AcmeConfig): string {
  const host = new URL(directory).host.replaceAll(":", "_");
  return `email='${email}'
directory='${directory}'
names='${names.join(" ")}'
# Whose answer the authority looks for in the DNS. Empty: HAProxy's, at port 80.
provider='${dnsProvider ?? ""}'
# How long lego may take: one that is told to come back in an hour waits for that.
limit=${dnsProvider === undefined ? "5m" : "25m"}
# Where lego looks for the account.
account='accounts/${host}/${email}'
`;
}

/** `paths`: other ones than on a host, for tests. */
export function renderAcmeScript(
  paths: Partial<typeof acmeFiles & typeof transaction> = {},
): string {
  const { config, accountKey, directoryCa, certificate, undo, lock } = {
    ...{ ...acmeFiles, ...transaction },
    ...paths,
  };
  const given = haproxyFiles.certificate(0);
  return `#!/bin/sh
${writtenByTrilithon}
# placeholder: sees to it that there is a certificate for HAProxy to start with.
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

# A file that the change which is under way takes away.
taken_away() {
  for entry in ${undo}/*/*.path; do
    if [ -s "\${entry%.path}.old" ] && [ "$(cat "$entry")" = "$1" ]; then echo "\${entry%.path}.old"; fi
  done
}

placeholder() {
  if [ -s "$folder/issued" ] && openssl x509 -in "$certificate" -noout -checkend 0 >/dev/null 2>&1; then return 0; fi
  mkdir -p "$folder"
  # Visitors keep the certificate that they were shown until now.
  former=$(taken_away ${given}) key=$(taken_away ${haproxyFiles.keyOf(given)})
  if [ -s "$former" ] && [ -s "$key" ]; then
    put "$former" "$key"
  elif [ ! -s "$certificate" ]; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj /CN=placeholder \\
      -keyout "$folder/placeholder.key" -out "$folder/placeholder.crt" 2>/dev/null
    put "$folder/placeholder.crt" "$folder/placeholder.key"
    rm "$folder/placeholder.crt" "$folder/placeholder.key"
  else
    return 0
  fi
  rm -f "$folder/issued"
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

# One that does not run reads the certificate as it starts.
reload() {
  systemctl try-reload-or-restart haproxy
  rm -f "$folder/to-reload"
}

issue() {
  . ${config}
  if [ -e "$folder/to-reload" ]; then reload; fi
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
  if [ -n "\${provider:-}" ]; then
    set -- "$@" --dns "$provider"
  else
    # HAProxy answers each challenge by itself, on every load balancer: nobody reads what is written to the webroot.
    set -- "$@" --http --http.webroot "$folder/lego/webroot"
  fi
  timeout "\${limit:-5m}" \\
    lego --accept-tos --email "$email" --server "$directory" --path "$folder/lego" --key-type ec256 "$@" run
  first=\${names%% *}
  # While somebody changes HAProxy's files they may not fit together.
  exec 9>${lock}
  flock -w 900 9
  cp -p "$certificate" "$folder/former.pem"
  put "$folder/lego/certificates/$first.crt" "$folder/lego/certificates/$first.key"
  if ! haproxy -c -q -f /etc/haproxy/haproxy.cfg; then
    mv "$folder/former.pem" "$certificate"
    echo "HAProxy does not take the certificate: the former one is back" >&2
    return 1
  fi
  : >"$folder/to-reload"
  echo "$directory $names" >"$folder/issued"
  # One copy of each key is enough.
  rm -f "$folder/former.pem" "$folder/lego/certificates/$first.key"
  reload
}

"$1"
`;
}

/** `hasVariables`: lego is told of whoever has the DNS of the names. */
export function renderAcmeService({ hasVariables }: { readonly hasVariables: boolean }): string {
  return `${writtenByTrilithon}
[Unit]
Description=Certificate of the load balancer
After=network-online.target haproxy.service
Wants=network-online.target

[Service]
Type=oneshot
${hasVariables ? `EnvironmentFile=${acmeFiles.variables}\n` : ""}ExecStart=${acmeFiles.script} issue
TimeoutStartSec=45min
ReadWritePaths=${folder} /run/lock
PrivateTmp=yes
${confineRoot({ addressFamilies: ["AF_INET", "AF_INET6", "AF_NETLINK"] })}
ProtectKernelTunables=yes
`;
}

/** An hour after each run, also one that failed: authorities allow five failures an hour. The first one comes `turnSeconds` later. */
export function renderAcmeTimer({ turnSeconds }: { readonly turnSeconds: number }): string {
  return `${writtenByTrilithon}
[Unit]
Description=Certificate of the load balancer, renewed in time

[Timer]
OnActiveSec=${2 + turnSeconds}s
OnBootSec=${60 + turnSeconds}s
OnUnitInactiveSec=1h
AccuracySec=1s

[Install]
WantedBy=timers.target
`;
}
