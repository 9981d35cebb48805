/** How a Valkey, Redis or Memcached speaks TLS, and takes in certificates and another password while it runs. */
import { type PrivateServiceKind, privateServiceFiles, privateServices } from "./private-service";
import { confineRoot } from "./unit-confinement";

/** What a reload takes in by `CONFIG SET`, and a start by `--include`: a line is a name and a value without a blank. */
export function renderPrivateServiceTls(kind: "valkey" | "redis", tlsPort: number): string {
  const { certificate, privateKey } = privateServiceFiles(kind);
  return `# Written by trilithon: what is changed here by hand is taken back by the next \`pulumi up\`.
# It listens at the addresses of \`bind\`, beside \`port\`. Clients show a password, and no certificate.
tls-auth-clients no
tls-cert-file ${certificate}
tls-key-file ${privateKey}
tls-port ${tlsPort}
`;
}

/**
 * For a Service's `forewarningCommand`: a stack from before TLS gets it by an upgrade, without a word of its settings, and what the
 * application makes of it nobody can know beforehand.
 */
export function tlsIsNew(kind: PrivateServiceKind, ports: { port: number; tlsPort: number }) {
  const { dropIn, certificate } = privateServiceFiles(kind);
  const told = `applications on other hosts are told to ask it over TLS, at port ${ports.tlsPort}: one that cannot gets no answer; \`protocol: plain\` leaves them at port ${ports.port}`;
  return ["sh", "-c", `[ -e ${dropIn} ] && [ ! -e ${certificate} ] && echo '${told}'`];
}

/** What a unit runs after a start (`note`), for a reload (`reload`), and when nobody uses a former password any more (`retire`). */
export function renderPrivateServiceScript(kind: PrivateServiceKind, port: number): string {
  return kind === "memcached" ? renderMemcachedScript(port) : renderValkeyScript(kind, port);
}

/** Without a password it has nothing to note, nor to retire. */
function renderMemcachedScript(port: number): string {
  return `#!/bin/sh
# Written by trilithon: what is changed here by hand is taken back by the next \`pulumi up\`.
# Memcached reads its certificate at its start alone, unless it is told to.
exec perl -MIO::Socket::INET -e '
  my $memcached = IO::Socket::INET->new(PeerAddr => "127.0.0.1:${port}", Timeout => 5) or die "127.0.0.1:${port}: $!\\n";
  $memcached->send("refresh_certs\\r\\n");
  my $answer = <$memcached> // "no answer\\n";
  $answer =~ /^OK/ or die $answer;'
`;
}

function renderValkeyScript(kind: "valkey" | "redis", port: number): string {
  const { tls, password, noted, unit } = privateServiceFiles(kind);
  return `#!/bin/sh
# Written by trilithon: what is changed here by hand is taken back by the next \`pulumi up\`.
# Passwords are in no list of processes: commands come over standard input.
set -eu
export LC_ALL=C
wanted=$(sed -n 's/^requirepass //p' ${password})
# The password that is in effect: by the time of a reload the file has another one.
noted=${noted}

say() {
  printf '%s\\n' "$1" | REDISCLI_AUTH=$current ${privateServices[kind].client} -h 127.0.0.1 -p ${port} 2>&1
}

must() {
  answer=$(say "$1") || true
  [ "$answer" = OK ] && return
  printf '%s\\n' "$answer" >&2
  exit 1
}

# By the new password, or by the one before. Also while it still reads what it holds.
login() {
  for current in "$wanted" "$(cat "$noted" 2>/dev/null || true)"; do
    answer=$(say 'ACL WHOAMI') || true
    [ "$answer" = default ] && return
  done
  echo "${unit} lets in neither the password of ${password} nor the one before: $answer" >&2
  exit 1
}

note() {
  umask 077
  printf '%s\\n' "$wanted" >"$noted.new"
  mv "$noted.new" "$noted"
}

case $1 in
  note)
    note
    ;;
  reload)
    login
    # Beside the one before, which applications have until they are released anew.
    must "ACL SETUSER default >$wanted"
    current=$wanted
    note
    must "CONFIG SET $(sed '/^#/d' ${tls} | tr '\\n' ' ')"
    ;;
  retire)
    login
    must "ACL SETUSER default resetpass >$wanted"
    ;;
esac
`;
}

/** What ends a former password. Its file changes with the password, and it starts with the daemon. */
export function renderRetirementUnit(kind: "valkey" | "redis", passwordDigest: string): string {
  const { unit, script } = privateServiceFiles(kind);
  return `# Written by trilithon: what is changed here by hand is taken back by the next \`pulumi up\`.
[Unit]
Description=Ends former passwords of ${unit}
After=${unit}

[Service]
Type=oneshot
RemainAfterExit=yes
# Of the password in use, as SHA-256: ${passwordDigest}
ExecStart=${script} retire
${confineRoot({ addressFamilies: ["AF_INET"] })}

[Install]
WantedBy=multi-user.target
`;
}
