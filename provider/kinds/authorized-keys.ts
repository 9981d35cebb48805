/** The files in which a host's sshd looks for the keys of a user, and what is done to them. */

import { blobOf } from "../ssh/public-key";
import type { Shell } from "../ssh/shell";
import { sh } from "../ssh/shell";

/** Sets `files`, a path a line. */
function renderFiles(user: string): Shell {
  return sh`
user=${user}
home=$(getent passwd "$user" | cut -d: -f6)
[ -n "$home" ] || { echo "there is no user $user" >&2; exit 1; }
PATH=$PATH:/usr/sbin
told=$(sshd -T -C "user=$user,host=localhost,addr=127.0.0.1" 2>/dev/null | sed -n 's/^authorizedkeysfile //p')
files=$(for file in \${told:-.ssh/authorized_keys}; do
  file=$(printf '%s' "$file" | sed "s|%h|$home|g; s|%u|$user|g; s|%U|$(id -u "$user" 2>/dev/null)|g; s|%%|%|g")
  case "$file" in
    none) ;;
    /*) printf '%s\n' "$file" ;;
    *) printf '%s\n' "$home/$file" ;;
  esac
done)`;
}

/** Answers each of the keys that is let in, as `AAAA... /root/.ssh/authorized_keys`. */
export function renderFind(user: string, publicKeys: readonly string[]): Shell {
  return sh`${renderFiles(user)}
printf '%s\n' "$files" | while read -r file; do
  [ -f "$file" ] || continue
  awk -v keys=${publicKeys.map(blobOf).join(" ")} -v file="$file" '
    BEGIN { count = split(keys, list, " "); for (at = 1; at <= count; at++) named[list[at]] = 1 }
    !/^[ \t]*#/ { for (at = 1; at <= NF; at++) if ($at in named) print $at, file }' "$file"
done`;
}

/** Lets in one more key. Its answer is empty where it is let in already, and the file that was changed otherwise. */
export function renderAuthorize(user: string, publicKey: string): Shell {
  return sh`${renderFiles(user)}
file=$(printf '%s\n' "$files" | head -n 1)
[ -n "$file" ] || { echo "its sshd looks for the keys of $user in no file (AuthorizedKeysFile none)" >&2; exit 1; }
! awk -v key=${blobOf(publicKey)} '
  !/^[ \t]*#/ { for (at = 1; at <= NF; at++) if ($at == key) found = 1 }
  END { exit !found }' "$file" 2>/dev/null || exit 0
folder=$(dirname -- "$file")
[ -d "$folder" ] || install -d -m 0700 -o "$user" -g "$(id -g "$user")" -- "$folder" || exit 1
[ ! -e "$file" ] || file=$(readlink -f -- "$file")
new=$file.trilithon
umask 077
rm -f -- "$new"
if [ -e "$file" ]; then cp -p -- "$file" "$new"; else : >"$new" && chown "$user:" -- "$new"; fi || exit 1
{
  # The last line of a file may have no end.
  [ -z "$(tail -c 1 -- "$new")" ] || echo
  printf '%s\n' ${publicKey}
} >>"$new" && sync -- "$new" && mv -f -- "$new" "$file" && sync -- "$(dirname -- "$file")" || exit 1
printf '%s\n' "$file"`;
}

/** Lets none of these keys in any more. */
export function renderRetire(user: string, publicKeys: readonly string[]): Shell {
  return sh`${renderFiles(user)}
printf '%s\n' "$files" | while read -r file; do
  [ -f "$file" ] || continue
  file=$(readlink -f -- "$file")
  new=$file.trilithon
  umask 077
  rm -f -- "$new"
  cp -p -- "$file" "$new" && awk -v keys=${publicKeys.map(blobOf).join(" ")} '
    BEGIN { count = split(keys, list, " "); for (at = 1; at <= count; at++) named[list[at]] = 1 }
    /^[ \t]*#/ { print; next }
    { for (at = 1; at <= NF; at++) if ($at in named) next; print }' "$file" >"$new" && sync -- "$new" && mv -f -- "$new" "$file" && sync -- "$(dirname -- "$file")" || exit 1
done`;
}
