/** The program of take-over.test.ts: an HAProxy and an Nginx that were there before, as two services of one machine. */
import * as pulumi from "@pulumi/pulumi";
import { ExistingHost } from "../../../components/existing-host";
import { Service } from "../../../provider/resources/service";

interface Listed {
  readonly name: string;
  readonly address: string;
  readonly sshAddress: string;
  readonly port: number;
  readonly user: string;
  readonly hostKey: string;
}

const config = new pulumi.Config("trilithon");
const [listed] = config.requireObject<readonly Listed[]>("hosts");
if (listed === undefined) throw new Error("trilithon:hosts: expected a machine");
const { name, address, sshAddress, port, user, hostKey } = listed;
const privateKey = config.requireSecret("privateKey");
const { host } = new ExistingHost(name, {
  ...{ address, sshAddress, port, user, hostKey, privateKey },
});

new Service("proxy", {
  host,
  unit: "haproxy.service",
  files: { "/etc/haproxy/haproxy.cfg": { content: config.require("haproxy") } },
  check: ["haproxy", "-c", "-f", "/etc/haproxy/haproxy.cfg"],
  onChange: "reload",
  ready: { tcp: 80 },
});

new Service("pages", {
  host,
  unit: "nginx.service",
  files: { "/etc/nginx/conf.d/pages.conf": { content: config.require("nginx") } },
  check: ["nginx", "-t"],
  onChange: "reload",
  ready: { http: "http://127.0.0.1:8081/" },
});
