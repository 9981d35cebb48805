/** The kinds of resource that the plugin serves. A new kind is one file and one entry here. */

import { type AnyKind, anyKind } from "./kind";
import { acmeAccountKey } from "./kinds/acme-account-key";
import { certificate } from "./kinds/certificate";
import { certificateAuthority } from "./kinds/certificate-authority";
import { machine } from "./kinds/machine";
import { mysqlContent } from "./kinds/mysql-content/kind";
import { mysqlPasswordRetirement } from "./kinds/mysql-content/retirement";
import { mysqlGroup } from "./kinds/mysql-group/kind";
import { mysqlReplication } from "./kinds/mysql-replication/kind";
import { packages } from "./kinds/packages/kind";
import { password } from "./kinds/password";
import { retiredKeys } from "./kinds/retired-keys";
import { release, service } from "./kinds/service/kind";
import { sshKey } from "./kinds/ssh-key";
import { zoneSerial } from "./kinds/zone-serial";

export const kinds: readonly AnyKind[] = [
  anyKind(machine),
  anyKind(retiredKeys),
  anyKind(packages),
  anyKind(service),
  anyKind(release),
  anyKind(mysqlReplication),
  anyKind(mysqlGroup),
  anyKind(mysqlContent),
  anyKind(mysqlPasswordRetirement),
  anyKind(password),
  anyKind(sshKey),
  anyKind(certificateAuthority),
  anyKind(certificate),
  anyKind(acmeAccountKey),
  anyKind(zoneSerial),
];
