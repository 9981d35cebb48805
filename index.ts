/** The picture in code: browser -> load balancer -> web servers -> application -> database. */
import { Application } from "./components/application";
import { Database } from "./components/database";
import { describeEndpoints, describeSshKeys } from "./components/endpoints";
import { createHosts } from "./components/hosts";
import { LoadBalancer } from "./components/load-balancer";
import { webHealthPath } from "./components/render/nginx";
import { readSettings } from "./components/settings";
import { WebServer } from "./components/web-server";

const settings = readSettings();
const { domain } = settings;
const hosts = createHosts(settings);
// A machine that is not what it should be stops everything before any machine is changed.
const afterMachines = { dependsOn: hosts.machines };

const database = new Database(
  "database",
  { primary: hosts.databasePrimary, replicas: hosts.databaseReplicas, ...settings.database },
  afterMachines,
);

const application = new Application(
  "application",
  { hosts: hosts.web, database, ...settings.application },
  afterMachines,
);

const webServers = hosts.web.map(
  (host) =>
    new WebServer(
      host.name,
      { host, application, domain, loadBalancers: [hosts.loadBalancer.address], ...settings.web },
      afterMachines,
    ),
);

const loadBalancer = new LoadBalancer(
  "load-balancer",
  {
    host: hosts.loadBalancer,
    servers: webServers,
    domain,
    healthPath: webHealthPath,
    ...settings.loadBalancer,
  },
  afterMachines,
);

export const endpoints = describeEndpoints({
  hosts,
  database,
  application,
  webServers,
  loadBalancer,
});
export const sshKeys = describeSshKeys(hosts);
