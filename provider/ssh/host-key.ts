/** The key by which a machine shows who it is: another one is made on the machine, waits there, and takes the place of the former one. */

import { dirname } from "node:path";
import { blobOf } from "./public-key";
import { type Shell, sh } from "./shell";

const key = "/etc/ssh/ssh_host_ed25519_key";
const next = "/etc/ssh/trilithon_next_host_key";
const former = "/etc/ssh/trilithon_former_host_key";

/** Answers the public half. The same one each time, until it was taken in. */
export function renderNextHostKey(): Shell {
  return sh`
[ -s ${next} ] && [ -s ${next}.pub ] || {
  rm -f ${next} ${next}.pub
  ssh-keygen -q -t ed25519 -N '' -C "root@$(hostname)" -f ${next} || exit 1
} >&2
cut -d ' ' -f 1,2 ${next}.pub`;
}

/** The key that waits in place of the present one, which is kept until all is well. */
export function renderTakeInHostKey(publicKey: string): Shell {
  return sh`
[ "$(cut -d ' ' -f 2 ${next}.pub 2>/dev/null)" = ${blobOf(publicKey)} ] || {
  echo 'its sshd does not have the host key that it is to show, nor does that wait in ${next}.pub: set hostKey to the one that it has' >&2
  exit 1
}
cp -p ${key} ${former} && cp -p ${key}.pub ${former}.pub || exit 1
# A key that the power took would leave no sshd.
sync ${next} ${next}.pub ${former} ${former}.pub && mv -f ${next} ${key} && mv -f ${next}.pub ${key}.pub && sync ${dirname(key)} && ${reload}`;
}

export function renderPutHostKeyBack(): Shell {
  return sh`
[ -s ${former} ] || exit 0
mv -f ${key} ${next} && mv -f ${key}.pub ${next}.pub || exit 1
mv -f ${former} ${key} && mv -f ${former}.pub ${key}.pub && ${reload}`;
}

export function renderForgetFormerHostKey(): Shell {
  return sh`rm -f ${former} ${former}.pub`;
}

/** One that is started for each connection reads its key then. */
const reload = sh`{ ! systemctl is-active --quiet ssh || systemctl reload ssh; }`;
