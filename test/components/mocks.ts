/** Pulumi without an engine: what a program registers is kept, and answered as the plugins would. */
import * as pulumi from "@pulumi/pulumi";

export interface Registered {
  readonly type: string;
  readonly name: string;
  readonly inputs: Readonly<Record<string, unknown>>;
  /** Counts starts and ends of registrations, by which one can see who waited for whom. */
  readonly startedAt: number;
  endedAt: number;
}

export interface World {
  readonly resources: readonly Registered[];
  find(type: string, name: string): Registered;
}

const projectConfig = "trilithon:";

/** To be called before the program is loaded. */
export async function mockPulumi(
  options: { readonly config?: Readonly<Record<string, unknown>>; readonly preview?: boolean } = {},
): Promise<World> {
  const resources: Registered[] = [];
  let clock = 0;
  await pulumi.runtime.setMocks(
    {
      newResource: async ({ type, name, inputs }) => {
        const registered = { type, name, inputs, startedAt: clock++, endedAt: 0 };
        resources.push(registered);
        // Whoever does not wait starts meanwhile.
        await new Promise((resolve) => setTimeout(resolve, 5));
        registered.endedAt = clock++;
        return { id: `${name}-id`, state: { ...inputs, ...outputsOf(type, name, inputs) } };
      },
      call: ({ inputs }) => inputs,
    },
    "trilithon",
    "test",
    options.preview ?? false,
  );
  const config = Object.entries(options.config ?? {}).map(([key, value]) => [
    `${projectConfig}${key}`,
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  pulumi.runtime.setAllConfig(Object.fromEntries(config));
  return {
    resources,
    find: (type, name) => {
      const found = resources.find((one) => one.type === type && one.name === name);
      if (found === undefined) throw new Error(`no ${type} ${name} was registered`);
      return found;
    },
  };
}

/** As Debian has them. */
const packageVersions: Readonly<Record<string, string>> = {
  "php-fpm": "2:8.4+96",
  python3: "3.13.5-1",
  ruby: "1:3.3+b1",
  nodejs: "24.2.0+dfsg-1",
};

function outputsOf(
  type: string,
  name: string,
  { packages = {} }: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  switch (type) {
    case "trilithon:index:Packages":
      return {
        versions: Object.fromEntries(
          Object.keys(Object(packages)).map((one) => [one, packageVersions[one] ?? "1.0"]),
        ),
      };
    case "trilithon:index:Machine":
      return { os: "Debian", memoryMegabytes: 1024, processors: 2, sshPort: 22 };
    case "trilithon:index:Password":
      return { value: `password-of-${name}` };
    case "trilithon:index:SshKey":
      return {
        privateKey: `private-key-of-${name}`,
        publicKey: `ssh-ed25519 ${name}`,
        formerPublicKeys: [`ssh-ed25519 former-${name}`],
      };
    case "trilithon:index:AcmeAccountKey":
      return { privateKey: `private-key-of-${name}`, thumbprint: `thumbprint-of-${name}` };
    case "trilithon:index:ZoneSerial":
      return { serial: 2_026_113_001 };
    case "trilithon:index:CertificateAuthority":
      return {
        certificate: `certificate-of-${name}`,
        privateKey: `private-key-of-${name}`,
        trustedCertificates: `certificates-of-${name}\n`,
        crossCertificates: "",
        formerUntil: "",
      };
    case "trilithon:index:Certificate":
      return { certificate: `certificate-of-${name}`, privateKey: `private-key-of-${name}` };
    default:
      return {};
  }
}

/** The value of an output. */
export function resolved<Value>(output: pulumi.Output<Value>): Promise<Value> {
  return new Promise((resolve) => output.apply(resolve));
}

/** Waits until the program has registered all that it registers. */
export function settle(): Promise<void> {
  return pulumi.runtime.disconnect();
}
