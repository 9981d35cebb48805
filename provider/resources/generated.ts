import "./debug-log";
import * as pulumi from "@pulumi/pulumi";
import { withPackageVersion } from "./package-version";
import type { PlannedStep } from "./planned-step";

export interface PasswordArgs {
  /** Characters, 16 to 128, letters and digits. Default 32. */
  readonly length?: pulumi.Input<number>;
  /** Any text: changing it makes a new password. */
  readonly keeper?: pulumi.Input<string>;
}

/** A password made once and kept in the state as a secret. */
export class Password extends pulumi.CustomResource {
  /** What the last change did; in a preview, what `up` will do. */
  declare readonly plan: pulumi.Output<readonly PlannedStep[]>;
  declare readonly value: pulumi.Output<string>;

  constructor(name: string, args: PasswordArgs = {}, opts?: pulumi.CustomResourceOptions) {
    super(
      "trilithon:index:Password",
      name,
      { ...args, plan: undefined, value: undefined },
      secretOutputs(opts, "value"),
    );
  }
}

export interface SshKeyArgs {
  /** Stands at the end of the public key. Default: none. */
  readonly comment?: pulumi.Input<string>;
  /** Any text: changing it makes a new key pair. */
  readonly keeper?: pulumi.Input<string>;
}

/** An Ed25519 key pair made once; the private half is a secret in the state. */
export class SshKey extends pulumi.CustomResource {
  /** What the last change did; in a preview, what `up` will do. */
  declare readonly plan: pulumi.Output<readonly PlannedStep[]>;
  /** OpenSSH format. */
  declare readonly privateKey: pulumi.Output<string>;
  /** `ssh-ed25519 AAAA... comment` */
  declare readonly publicKey: pulumi.Output<string>;
  /** Those before it, the latest first. */
  declare readonly formerPublicKeys: pulumi.Output<readonly string[]>;

  constructor(name: string, args: SshKeyArgs = {}, opts?: pulumi.CustomResourceOptions) {
    super(
      "trilithon:index:SshKey",
      name,
      {
        ...args,
        plan: undefined,
        privateKey: undefined,
        publicKey: undefined,
        formerPublicKeys: undefined,
      },
      secretOutputs(opts, "privateKey"),
    );
  }
}

export interface CertificateAuthorityArgs {
  /** What it is called in its certificates: at most 64 letters, digits, spaces, dots, hyphens and underscores. */
  readonly name: pulumi.Input<string>;
  /**
   * Any text: changing it makes a new authority, and with it new certificates. The former one is trusted for a week beside it, and ends with
   * the first `up` after that.
   */
  readonly keeper?: pulumi.Input<string>;
}

/**
 * An authority of one's own (ECDSA, P-256), good for 30 years; the private key is a secret in the state. `up` renews it 10 years before its
 * end, with the same key: what it signed stays good.
 */
export class CertificateAuthority extends pulumi.CustomResource {
  /** What the last change did; in a preview, what `up` will do. */
  declare readonly plan: pulumi.Output<readonly PlannedStep[]>;
  /** PEM. */
  declare readonly certificate: pulumi.Output<string>;
  /** PEM (PKCS #8). */
  declare readonly privateKey: pulumi.Output<string>;
  /** What clients trust: its certificate (PEM), and after a change that of the one before it, for a week. */
  declare readonly trustedCertificates: pulumi.Output<string>;
  /**
   * Sent by servers after their own certificate (PEM), so that those who know the former authority alone trust what the new one signed: a
   * change needs no order. Empty where there is none.
   */
  declare readonly crossCertificates: pulumi.Output<string>;
  /** Until when the one before it is trusted. Empty where there is none. */
  declare readonly formerUntil: pulumi.Output<string>;

  constructor(name: string, args: CertificateAuthorityArgs, opts?: pulumi.CustomResourceOptions) {
    const trust = {
      trustedCertificates: undefined,
      crossCertificates: undefined,
      formerUntil: undefined,
    };
    super(
      "trilithon:index:CertificateAuthority",
      name,
      { ...args, plan: undefined, certificate: undefined, privateKey: undefined, ...trust },
      secretOutputs(opts, "privateKey"),
    );
  }
}

export interface CertificateArgs {
  /** Whose it is: at most 64 letters, digits, spaces, dots, hyphens and underscores. Another one than the authority's. */
  readonly name: pulumi.Input<string>;
  /** Where it is reached: IP addresses and domain names (`subjectAltName`). */
  readonly addresses: pulumi.Input<pulumi.Input<string>[]>;
  /** Of the authority that signs it. */
  readonly authorityCertificate: pulumi.Input<string>;
  /** Of the authority that signs it. A secret. */
  readonly authorityPrivateKey: pulumi.Input<string>;
  /** How long it is good for, 1 to 3652: it is renewed a third of that before its end. Default: 10 years. */
  readonly days?: pulumi.Input<number>;
  /** Any text: changing it makes a new certificate. */
  readonly keeper?: pulumi.Input<string>;
}

/**
 * A certificate for a server that is a client as well (ECDSA, P-256); `up` renews it a third of its life before its end. The private key
 * is a secret in the state.
 */
export class Certificate extends pulumi.CustomResource {
  /** What the last change did; in a preview, what `up` will do. */
  declare readonly plan: pulumi.Output<readonly PlannedStep[]>;
  /** PEM. */
  declare readonly certificate: pulumi.Output<string>;
  /** PEM (PKCS #8). */
  declare readonly privateKey: pulumi.Output<string>;

  constructor(name: string, args: CertificateArgs, opts?: pulumi.CustomResourceOptions) {
    super(
      "trilithon:index:Certificate",
      name,
      { ...args, plan: undefined, certificate: undefined, privateKey: undefined },
      secretOutputs(opts, "privateKey"),
    );
  }
}

export interface AcmeAccountKeyArgs {
  /** Any text: changing it makes a new key, and with it a new account. */
  readonly keeper?: pulumi.Input<string>;
}

/** The key of an account at an authority that speaks ACME (ECDSA, P-256), made once and kept in the state as a secret. */
export class AcmeAccountKey extends pulumi.CustomResource {
  /** What the last change did; in a preview, what `up` will do. */
  declare readonly plan: pulumi.Output<readonly PlannedStep[]>;
  /** PEM (SEC 1). */
  declare readonly privateKey: pulumi.Output<string>;
  /** Stands after the token in the answer to each challenge of the account: no secret. */
  declare readonly thumbprint: pulumi.Output<string>;

  constructor(name: string, args: AcmeAccountKeyArgs = {}, opts?: pulumi.CustomResourceOptions) {
    super(
      "trilithon:index:AcmeAccountKey",
      name,
      { ...args, plan: undefined, privateKey: undefined, thumbprint: undefined },
      secretOutputs(opts, "privateKey"),
    );
  }
}

export interface ZoneSerialArgs {
  /** Any text, such as a digest of what is in the zone: with another one the serial grows by one. */
  readonly keeper?: pulumi.Input<string>;
}

/** The number of a zone's content in the DNS. The first one is of the day: 2026113001. */
export class ZoneSerial extends pulumi.CustomResource {
  /** What the last change did; in a preview, what `up` will do. */
  declare readonly plan: pulumi.Output<readonly PlannedStep[]>;
  declare readonly serial: pulumi.Output<number>;

  constructor(name: string, args: ZoneSerialArgs = {}, opts?: pulumi.CustomResourceOptions) {
    super(
      "trilithon:index:ZoneSerial",
      name,
      { ...args, plan: undefined, serial: undefined },
      withPackageVersion(opts),
    );
  }
}

function secretOutputs(
  opts: pulumi.CustomResourceOptions | undefined,
  ...names: string[]
): pulumi.CustomResourceOptions {
  return pulumi.mergeOptions(withPackageVersion(opts), { additionalSecretOutputs: names });
}
