/** A certificate that is due while its authority does not answer. */
import type { Settings, TestStack } from "../../end-to-end/support/test-stack";
import { Authority } from "../acme/authority";
import { until } from "../until";
import type { Case } from "./causes";

export interface RenewalPlace {
  readonly stack: TestStack;
  readonly stackName: string;
  readonly net: string;
  readonly domain: string;
  /** Has the stack with these, and the trial's own secrets and rules. */
  up(https: Settings): Promise<void>;
}

const certificate = "/var/lib/trilithon/acme/certificate.pem";
const renew = "systemctl start trilithon-acme.service";

export function renewalCase({ stack, stackName, net, domain, up }: RenewalPlace): Case {
  let authority: Authority;
  const isIssued = async () => {
    const { status } = await stack.try("lb-01", "test -s /var/lib/trilithon/acme/issued");
    return status === 0 ? true : undefined;
  };
  return {
    ...{ alert: "RenewalFailed", hosts: ["lb-01"] },
    what: "an authority that does not answer when a certificate is due; told after a minute for once",
    cause: async () => {
      authority = await Authority.make({ stack: stackName, address: `${net}.50` });
      await authority.lead(`${net}.10`);
      const ca = await authority.run({ lifeSeconds: 90 * 24 * 3600 });
      const { directory, directoryCa } = authority;
      const acme = { email: "admin@foobar.com", directory, directoryCa };
      await up({ "trilithon:https": { acme, ca } });
      await until("a first certificate", isIssued, 300);
      const old = await authority.giveOld(domain);
      await stack.on("lb-01", `cat >${certificate} <<'END'\n${old}END\nsystemctl reload haproxy`);
      await authority.answer("away");
      await stack.on("lb-01", `${renew} || true`);
    },
    repair: async () => {
      await authority.answer("pass");
      await stack.on("lb-01", renew);
    },
  };
}
