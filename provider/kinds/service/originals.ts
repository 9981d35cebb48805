/**
 * What stood on a machine before trilithon: kept once in `/var/lib/trilithon/originals`, apart from all that
 * trilithon wrote itself, and put back when a resource goes away.
 */

import { sh } from "../../ssh/shell";

/** Functions of the transaction and of the removal. They use `$own`, `beside` and `swap`. */
export const originalFunctions = sh`
is_there() { [ -e "$1" ] || [ -L "$1" ]; }
is_recorded() { grep -qsxF -e "$1" -- "$own/owners"/*; }
put_original_back() {
  is_there "$own/originals$1" || return 1
  mkdir -p -- "$(dirname "$1")" && cp -a -- "$own/originals$1" "$(beside "$1")" && swap "$(beside "$1")" "$1" && forget_original "$1"
}
forget_original() {
  rm -rf -- "$own/originals$1"
  folder=$(dirname "$1")
  # That the last folders stay, since there is more in them, is no failure of what was put back.
  (cd "$own/originals" && rmdir -p -- "\${folder#/}" 2>/dev/null) || true
}
`;
