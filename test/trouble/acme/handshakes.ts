/** Looks all the time at the certificates that load balancers show, as a browser does. */
import { connect } from "node:tls";
import { wait } from "../../../scripts/verify/check";

export class Handshakes {
  /** Somebody was shown a certificate that is not good. */
  readonly refused: string[] = [];
  /** Nobody answered. */
  readonly lost: string[] = [];
  /** PEM: whom to trust. */
  readonly trusted: string[] = [];
  count = 0;

  readonly #shown = new Map<string, string[]>();
  readonly #running = new Map<string, Promise<void>>();

  constructor(private readonly name: string) {}

  begin(host: string): void {
    this.#running.set(host, this.#repeat(host));
  }

  async end(...hosts: readonly string[]): Promise<void> {
    const running = hosts.map((host) => this.#running.get(host));
    for (const host of hosts) this.#running.delete(host);
    await Promise.all(running);
  }

  endAll(): Promise<void> {
    return this.end(...this.#running.keys());
  }

  /** Fingerprints, each once, the latest last. */
  shown(host: string): readonly string[] {
    return this.#shown.get(host) ?? [];
  }

  async #repeat(host: string): Promise<void> {
    // A host that was taken out and begins again has another turn.
    await wait(0);
    const own = this.#running.get(host);
    while (this.#running.get(host) === own) {
      await this.#look(host);
      await wait(0.2);
    }
  }

  #look(host: string): Promise<void> {
    const at = `${new Date().toISOString()} ${host}`;
    this.count += 1;
    return new Promise((resolve) => {
      const trust = { servername: this.name, ca: this.trusted, rejectUnauthorized: false };
      const socket = connect({ host, port: 443, ...trust });
      socket.setTimeout(10_000, () => socket.destroy(new Error("no answer within 10 s")));
      socket.on("error", (error: NodeJS.ErrnoException) => {
        this.lost.push(`${at}: ${error.code ?? error.message}`);
        resolve();
      });
      socket.once("secureConnect", () => {
        const { fingerprint256 = "" } = socket.getPeerCertificate();
        const before = this.shown(host);
        if (!socket.authorized) this.refused.push(`${at}: ${String(socket.authorizationError)}`);
        else if (!before.includes(fingerprint256)) {
          this.#shown.set(host, [...before, fingerprint256]);
        }
        socket.destroy();
        resolve();
      });
    });
  }
}
