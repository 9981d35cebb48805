/** What the application is told by its environment. All faults at once, before anything is opened. */

export interface Settings {
  /** The name of this server, for display. */
  readonly hostName: string;
  readonly port: number;
  readonly database: DatabaseSettings;
}

export interface DatabaseSettings {
  readonly primaryHost: string;
  readonly replicaHosts: readonly string[];
  readonly port: number;
  readonly name: string;
  readonly user: string;
  readonly password: string;
  /** `off`, encrypted, or verified as well: by the certificates (PEM) of the authority. */
  readonly ssl: "off" | "required" | { readonly authority: string };
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads the environment; throws one error with a line for each fault. */
export function parseSettings(
  environment: Environment,
  readFile: (path: string) => string,
): Settings {
  const faults: string[] = [];
  const text = (name: string, otherwise?: string): string => {
    const value = environment[name] || otherwise;
    if (value === undefined) faults.push(`${name}: expected a value, got none`);
    return value ?? "";
  };
  const port = (name: string, otherwise?: string): number => {
    const given = text(name, otherwise);
    const value = /^\d{1,5}$/.test(given) ? Number(given) : 0;
    if (given !== "" && (value < 1 || value > 65535)) {
      faults.push(`${name}: expected a port from 1 to 65535, got "${given}"`);
    }
    return value;
  };
  const ssl = (): DatabaseSettings["ssl"] => {
    const mode = text("DATABASE_SSL", "required");
    if (mode === "off" || mode === "required") return mode;
    if (mode !== "verify") {
      faults.push(`DATABASE_SSL: expected "verify", "required" or "off", got "${mode}"`);
      return "required";
    }
    const path = text("DATABASE_SSL_CA");
    if (path === "") return "required";
    try {
      return { authority: readFile(path) };
    } catch (error) {
      faults.push(`DATABASE_SSL_CA: cannot read "${path}": ${String(error)}`);
      return "required";
    }
  };

  const settings: Settings = {
    hostName: text("HOST_NAME"),
    port: port("PORT"),
    database: {
      primaryHost: text("DATABASE_PRIMARY_HOST"),
      replicaHosts: list(environment.DATABASE_REPLICA_HOSTS),
      port: port("DATABASE_PORT", "3306"),
      name: text("DATABASE_NAME"),
      user: text("DATABASE_USER"),
      password: text("DATABASE_PASSWORD"),
      ssl: ssl(),
    },
  };
  if (faults.length > 0) throw new Error(faults.join("\n"));
  return settings;
}

function list(value: string | undefined): readonly string[] {
  return (value ?? "")
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}
