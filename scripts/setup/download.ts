/** Downloads by curl, which knows the user's proxies. */
import { canInstallPackages, installPackages } from "./debian";
import { capture } from "./run";

const connectDeadlineSeconds = 10;
const downloadDeadlineSeconds = 900;

/** False where the file cannot be had. */
export async function download(url: string, file: string): Promise<boolean> {
  return (await curl(["--output", file, "--max-time", String(downloadDeadlineSeconds), url])) === 0;
}

/** Whether a server answers, whatever it says. */
export async function canReach(url: string): Promise<boolean> {
  return (await curl(["--head", "--output", "/dev/null", "--max-time", "20", url])) === 0;
}

async function curl(args: readonly string[]): Promise<number> {
  const options = ["--silent", "--fail", "--location"];
  const deadline = ["--connect-timeout", String(connectDeadlineSeconds)];
  const { status } = await capture("curl", [...options, ...deadline, ...args]);
  if (status !== 127 || !canInstallPackages()) return status;
  await installPackages(["curl", "ca-certificates"]);
  return (await capture("curl", [...options, ...deadline, ...args])).status;
}
