/** WordPress, unpacked from Debian's packages. */
import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { must } from "../../../scripts/setup/run";
import { writeFilesOf } from "./recipe";

/** What Debian keeps apart is put in its place again; `wp-config.php` is another one. */
const unpack = `
mkdir /debs && cd /debs && apt-get -qq update
apt-get -qq download wordpress wordpress-theme-twentytwentyfive libjs-cropper libjs-jquery-ui \\
  libjs-lodash libjs-underscore libphp-phpmailer php-getid3
for package in *.deb; do dpkg-deb -x "$package" /; done
cp -rL /usr/share/wordpress /out/public
rm /out/public/wp-config.php /out/public/.htaccess
dpkg-deb -f wordpress_*.deb Version`;

/** Makes `folder`, with what the page of the documentation has in it; answers Debian's version. */
export async function unpackWordPress(folder: string): Promise<string> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder);
  const image = process.env.TRILITHON_HOST_IMAGE ?? "trilithon-host:latest";
  const words = ["run", "--rm", "--volume", `${folder}:/out`, image, "sh", "-ec", unpack];
  const version = await must("unpacking WordPress", "docker", words);
  await writeFilesOf("wordpress", folder);
  const plugins = join(folder, "public/wp-content/mu-plugins");
  await mkdir(plugins);
  // It asks its makers for updates.
  const refuse = "add_filter('pre_http_request', fn () => new WP_Error('trial', 'no network'));";
  await writeFile(join(plugins, "keep-to-itself.php"), `<?php\n${refuse}\n`);
  await chmod(folder, 0o755);
  return version.trim();
}
