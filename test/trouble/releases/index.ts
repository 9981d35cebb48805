/** The program of releases.test.ts: the checkout's own picture, but for the database. */
import { Application } from "../../../components/application";
import { createHosts } from "../../../components/hosts";
import { inTurn } from "../../../components/in-turn";
import { LoadBalancer } from "../../../components/load-balancer";
import { webHealthPath } from "../../../components/render/nginx";
import { readSettings } from "../../../components/settings";
import { WebServer } from "../../../components/web-server";

const settings = readSettings();
const { domain } = settings;
const hosts = createHosts(settings);
const afterMachines = { dependsOn: hosts.machines };
const loadBalancers = hosts.loadBalancers.map(({ address }) => address);

const application = new Application(
  "application",
  {
    ...{ hosts: hosts.web, domain, webPort: settings.web.port },
    loadBalancers: loadBalancers.map((address) => ({ address })),
    ...settings.application,
  },
  afterMachines,
);

const webServers = inTurn(hosts.web, (host, before: WebServer | undefined) => {
  const after = before && { after: before };
  const args = { host, application, domain, loadBalancers, ...after, ...settings.web };
  return new WebServer(host.name, args, afterMachines);
});

new LoadBalancer(
  "load-balancer",
  {
    ...{ hosts: hosts.loadBalancers, servers: webServers, domain, healthPath: webHealthPath },
    ...settings.loadBalancer,
  },
  afterMachines,
);
