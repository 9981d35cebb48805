/** Where a secret can be read on the hosts of a stack: in files, by contents, in the variables of processes, and in journals. */
import type { Secret } from "../end-to-end/support/secrets";
import type { TestStack } from "../end-to-end/support/test-stack";

const folders = "/etc /var /root /home /run /srv /opt /usr/local /tmp /boot /mnt /media";

/** `web-01 /etc/guestbook/secrets`. */
export async function placesOf(
  stack: TestStack,
  hosts: readonly string[],
  { texts }: Secret,
): Promise<readonly string[]> {
  const [text = ""] = texts;
  if (text.length < 16 || text.includes("'")) throw new Error("this cannot be looked for");
  // The pattern stands in this command's own arguments, so arguments of processes are not looked at.
  const script = `
grep -rlaF -D skip -- '${text}' ${folders} 2>/dev/null
grep -laF -- '${text}' /proc/[0-9]*/environ 2>/dev/null
journalctl --no-pager --all --output=export 2>/dev/null | grep -qaF -- '${text}' && echo journal
true`;
  const found = await Promise.all(
    hosts.map(async (host) => {
      const said = await stack.on(host, script);
      return said
        .split("\n")
        .filter((place) => place !== "")
        .map((place) => `${host} ${place}`);
    }),
  );
  return found.flat().sort();
}
