/** Of Pulumi's packages of two providers, which are hundreds of megabytes: the constructors that docs/dns.md uses, as their pages have them. */

declare module "@pulumi/aws" {
  import type * as pulumi from "@pulumi/pulumi";
  export namespace route53 {
    class Zone extends pulumi.CustomResource {
      readonly zoneId: pulumi.Output<string>;
      constructor(name: string, args: { name?: pulumi.Input<string> });
    }
    class Record extends pulumi.CustomResource {
      constructor(
        name: string,
        args: {
          zoneId: pulumi.Input<string>;
          name: pulumi.Input<string>;
          type: pulumi.Input<string>;
          ttl?: pulumi.Input<number>;
          records?: pulumi.Input<pulumi.Input<string>[]>;
          allowOverwrite?: pulumi.Input<boolean>;
        },
      );
    }
  }
}

declare module "@pulumi/cloudflare" {
  import type * as pulumi from "@pulumi/pulumi";
  export class DnsRecord extends pulumi.CustomResource {
    constructor(
      name: string,
      args: {
        zoneId: pulumi.Input<string>;
        name: pulumi.Input<string>;
        type: pulumi.Input<string>;
        ttl: pulumi.Input<number>;
        content?: pulumi.Input<string>;
        priority?: pulumi.Input<number>;
        proxied?: pulumi.Input<boolean>;
        data?: pulumi.Input<{
          flags?: pulumi.Input<string>;
          tag?: pulumi.Input<string>;
          value?: pulumi.Input<string>;
        }>;
      },
    );
  }
}
