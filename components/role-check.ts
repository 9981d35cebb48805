/** Beside each member of a MySQL cluster: what tells a load balancer whether it is the primary or a healthy replica. */
import * as pulumi from "@pulumi/pulumi";
import { Service } from "../provider/resources/service";
import { type Host, onHost } from "./host";
import {
  type RoleCheck,
  renderRoleCheckScript,
  renderRoleCheckUnit,
  roleCheck,
} from "./render/mysql-role";
import { renderMoreConfinement } from "./render/unit-confinement";

/** The account that it logs in with, for `MysqlContent`: over the socket, so without a password. */
export const roleCheckAccount = { [roleCheck.user]: { grants: roleCheck.grants } };

/** Where it is asked. */
export const roleCheckListens = {
  port: roleCheck.port,
  protocol: "tcp",
  what: "MySQL's role",
  unit: roleCheck.unit,
} as const;

export interface RoleCheckArgs {
  readonly sort: RoleCheck["sort"];
  readonly maxLagSeconds: pulumi.Input<number>;
}

/** `content` makes the account: until it is there, the member answers that it is not known. */
export function createRoleCheck(
  parent: pulumi.Resource,
  name: string,
  host: Host,
  { sort, maxLagSeconds }: RoleCheckArgs,
  content: pulumi.Resource,
): Service {
  const unit = pulumi
    .output({ address: host.address, maxLagSeconds })
    .apply((known) => renderRoleCheckUnit({ ...known, sort }));
  return new Service(
    `${name}-role`,
    {
      host: host.host,
      unit: roleCheck.unit,
      users: { [roleCheck.user]: roleCheck.home },
      files: {
        [roleCheck.unitPath]: { content: unit },
        [roleCheck.confinement]: { content: renderMoreConfinement(), onChange: "nothing" },
        [roleCheck.scriptPath]: { content: renderRoleCheckScript(), mode: "0755" },
      },
      onChange: "restart",
      // It answers well only when mysqld answered it.
      ready: {
        http: pulumi.interpolate`http://${host.address}:${roleCheck.port}/`,
        matches: `^Server: ${roleCheck.server}\\r?$`,
      },
    },
    onHost(host, parent, [content]),
  );
}
