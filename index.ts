/** The picture in code: browser -> load balancer -> web servers -> applications -> database. */
import * as pulumi from "@pulumi/pulumi";
import { balanced, createApplications, servedOn, sharedDatabase } from "./components/applications";
import { createDatabase } from "./components/create-database";
import { DatabaseProxy } from "./components/database-proxy";
import { edgeOfStack } from "./components/edge";
import { describeEndpoints, describeListens, describeSshKeys } from "./components/endpoints";
import { isHere } from "./components/host";
import { createHosts } from "./components/hosts";
import { inTurn } from "./components/in-turn";
import { later } from "./components/later";
import type { Listen } from "./components/listens";
import { LoadBalancer, schemeOf } from "./components/load-balancer";
import { createOwnAuthority } from "./components/own-certificates";
import { createServices } from "./components/private-services";
import { webHealthPath } from "./components/render/nginx";
import { retireKeys } from "./components/retired-keys";
import { readSettings } from "./components/settings";
import { createBackup } from "./components/stack-backup";
import { createDns } from "./components/stack-dns";
import {
  balancerMetrics,
  createKeys,
  createMonitoring,
  webMetrics,
} from "./components/stack-monitoring";
import { WebServer } from "./components/web-server";

const settings = readSettings();
const scheme = schemeOf(settings);
// What listens is known when all is declared, and what is new is let in before it is there.
const listens = later<pulumi.Output<readonly Listen[]>>();
const hosts = createHosts(settings, pulumi.output(listens.value));
// A machine that is not what it should be stops everything before any machine is changed.
const afterMachines = { dependsOn: hosts.machines };

const database = createDatabase(
  "database",
  hosts.database,
  sharedDatabase(settings, hosts),
  afterMachines,
);

// No application needs to know who the primary is.
const databaseProxy =
  database && new DatabaseProxy("database-proxy", { database, hosts: hosts.web }, afterMachines);

const services = createServices(settings, hosts, afterMachines);

const place = { settings, hosts, scheme, database, databaseProxy, services };
const applications = createApplications(place, afterMachines);

const retirements = services.flatMap((one) => one.service.retireFormerPassword(applications.all));

// By these Prometheus is let in to see how all fare, where a host has it.
const monitoringKeys = createKeys(settings, hosts);

// By the certificates that it signs the load balancers know the web servers.
const { authorityKeeper, ...web } = settings.web;
const authority = createOwnAuthority("web", authorityKeeper);
const loadBalancers = hosts.loadBalancers.filter(isHere).map(({ address }) => address);
const webServers = inTurn(hosts.web, (host, before: WebServer | undefined) => {
  const after = before && { after: before };
  const sites = servedOn(host, applications);
  const metrics = webMetrics(monitoringKeys, hosts, applications, host);
  const args = { host, authority, ...sites, scheme, loadBalancers, ...metrics, ...after, ...web };
  return new WebServer(host.name, args, afterMachines);
});

const loadBalancer = new LoadBalancer(
  "load-balancer",
  {
    hosts: hosts.loadBalancers,
    ...balanced(applications, webServers),
    healthPath: webHealthPath,
    https: settings.https,
    edge: edgeOfStack(settings),
    ...balancerMetrics(monitoringKeys, hosts),
    ...settings.loadBalancer,
  },
  afterMachines,
);

// By then no request comes to a host that an application has left.
database?.retireFormerPassword([...applications.all, loadBalancer]);

const dns = createDns({ settings, hosts, loadBalancer }, afterMachines);

// What is copied is there before.
const backup = createBackup({ settings, hosts, database, applications }, afterMachines);

const served = { ...place, applications, webServers, loadBalancer, dns, backup };
const monitoring = createMonitoring(
  { ...served, keys: monitoringKeys },
  pulumi.output(listens.value),
  afterMachines,
);

const parts = { ...served, monitoring };
listens.is(describeListens(parts));
const everything = [
  ...[database, databaseProxy, dns.nameServer, backup, monitoring, hosts.hardening].flatMap(
    (one) => one ?? [],
  ),
  ...[...services.map(({ service }) => service), ...retirements],
  ...[...applications.all, ...webServers, loadBalancer],
];
const closed = hosts.firewall?.close(everything) ?? [];
retireKeys(hosts, [...everything, ...closed]);

export const endpoints = describeEndpoints(parts);
export const sshKeys = describeSshKeys(hosts);
export const backupKeys = backup?.keys;
export const grafanaPassword = monitoring?.grafanaPassword;
