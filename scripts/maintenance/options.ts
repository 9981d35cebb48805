/** What the commands that take hosts out of service have in common. */

/** As long as an application may take by default when it is stopped, and as long again. */
export const finishSeconds = 60;

/** A line of the command's own output. */
export function saying(message: string): void {
  process.stdout.write(`${message}\n`);
}
