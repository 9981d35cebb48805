/** The picture in code: browser -> load balancer -> web servers -> application -> database. */
import { Application } from "./components/application";
import { createDatabase } from "./components/create-database";
import { DatabaseProxy } from "./components/database-proxy";
import { describeEndpoints, describeSshKeys } from "./components/endpoints";
import { isHere } from "./components/host";
import { createHosts } from "./components/hosts";
import { inTurn } from "./components/in-turn";
import { LoadBalancer, schemeBehind } from "./components/load-balancer";
import { webHealthPath } from "./components/render/nginx";
import { readSettings } from "./components/settings";
import { WebServer } from "./components/web-server";

const settings = readSettings();
const { domain } = settings;
const scheme = schemeBehind(settings.loadBalancer.trustedProxies);
const hosts = createHosts(settings);
// A machine that is not what it should be stops everything before any machine is changed.
const afterMachines = { dependsOn: hosts.machines };

const database = createDatabase("database", hosts.database, settings.database, afterMachines);

// No application needs to know who the primary is.
const databaseProxy =
  database && new DatabaseProxy("database-proxy", { database, hosts: hosts.web }, afterMachines);

const loadBalancers = hosts.loadBalancers.filter(isHere).map(({ address }) => address);
const application = new Application(
  "application",
  {
    ...{ hosts: hosts.web, database: databaseProxy, domain, scheme, webPort: settings.web.port },
    uploadLimitMegabytes: settings.web.uploadLimitMegabytes,
    loadBalancers: loadBalancers.map((address) => ({ ...settings.loadBalancer, address })),
    ...settings.application,
  },
  afterMachines,
);

database?.retireFormerPassword([application]);

const webServers = inTurn(hosts.web, (host, before: WebServer | undefined) => {
  const after = before && { after: before };
  const args = { host, application, domain, scheme, loadBalancers, ...after, ...settings.web };
  return new WebServer(host.name, args, afterMachines);
});

const loadBalancer = new LoadBalancer(
  "load-balancer",
  {
    hosts: hosts.loadBalancers,
    servers: webServers,
    domain,
    healthPath: webHealthPath,
    ...settings.loadBalancer,
  },
  afterMachines,
);

export const endpoints = describeEndpoints({
  ...{ settings, scheme, hosts, database, databaseProxy },
  ...{ application, webServers, loadBalancer },
});
export const sshKeys = describeSshKeys(hosts);
