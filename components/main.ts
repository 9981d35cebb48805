/** What `import * as trilithon from "trilithon"` gives; each of these can be imported from a path of its own as well. */
export {
  AcmeAccountKey,
  type AcmeAccountKeyArgs,
  Certificate,
  type CertificateArgs,
  CertificateAuthority,
  type CertificateAuthorityArgs,
  Password,
  type PasswordArgs,
  SshKey,
  type SshKeyArgs,
  ZoneSerial,
  type ZoneSerialArgs,
} from "../provider/resources/generated";
export type { HostArgs } from "../provider/resources/host";
export { Machine, type MachineArgs } from "../provider/resources/machine";
export {
  MysqlContent,
  type MysqlContentArgs,
  MysqlPasswordRetirement,
  type MysqlPasswordRetirementArgs,
} from "../provider/resources/mysql-content";
export {
  MysqlGroupReplication,
  type MysqlGroupReplicationArgs,
} from "../provider/resources/mysql-group";
export {
  MysqlReplication,
  type MysqlReplicationArgs,
} from "../provider/resources/mysql-replication";
export { Packages, type PackagesArgs } from "../provider/resources/packages";
export { Release, type ReleaseArgs } from "../provider/resources/release";
export { RetiredKeys, type RetiredKeysArgs } from "../provider/resources/retired-keys";
export { type FileArgs, Service, type ServiceArgs } from "../provider/resources/service";
export type { AcmeChallenge, Dns01Args } from "./acme-challenge";
export { Application, type ApplicationArgs } from "./application";
export { Backup, type BackupArgs, type BackupRepositoryArgs } from "./backup";
export type { BackedUpMachine } from "./backup-timers";
export type { BalancedServer } from "./balanced-server";
export { type Database, MysqlPair, type MysqlPairArgs } from "./database";
export { DatabaseProxy, type DatabaseProxyArgs, type ProxiedDatabase } from "./database-proxy";
export type { DnsRecord } from "./dns";
export type { EdgeArgs, MaintenanceArgs } from "./edge";
export { ExistingHost, type ExistingHostArgs } from "./existing-host";
export { Firewall, type FirewallArgs } from "./firewall";
export {
  Hardening,
  type HardeningArgs,
  type KernelArgs,
  type SshdArgs,
  type TimeArgs,
} from "./hardening";
export type { Host } from "./host";
export type { AcmeArgs, CertificatePair, HttpsArgs } from "./https";
export type { Audience, Listen } from "./listens";
export {
  type BalancedApplication,
  LoadBalancer,
  type LoadBalancerArgs,
} from "./load-balancer";
export {
  createMonitoringKeys,
  type EmailArgs,
  type MonitoredSite,
  Monitoring,
  type MonitoringArgs,
  type MonitoringKeys,
  type WatchedHost,
  type WebhookArgs,
} from "./monitoring";
export { MysqlGroup, type MysqlGroupArgs } from "./mysql-group";
export type { MysqlArgs } from "./mysql-members";
export { NameServer, type NameServerArgs } from "./name-server";
export { PrivateService, type PrivateServiceArgs, type ReachedService } from "./private-service";
export { type ServedApplication, WebServer, type WebServerArgs, type WebSite } from "./web-server";
