/** Who is told of alerts: a webhook and a mail server, as small as they can be. */
import { createServer as createHttpServer, type Server } from "node:http";
import { createServer, type Server as SocketServer } from "node:net";
import * as v from "valibot";

export interface Told {
  readonly alert: string;
  readonly host: string;
  readonly severity: string;
  readonly status: "firing" | "resolved";
  readonly firstStep: string;
  readonly at: number;
}

const body = v.object({
  alerts: v.array(
    v.object({
      status: v.picklist(["firing", "resolved"]),
      labels: v.record(v.string(), v.string()),
      annotations: v.record(v.string(), v.string()),
    }),
  ),
});

export interface Receivers {
  /** By the webhook, in the order in which they came. */
  readonly told: Told[];
  /** How often the watchdog's was asked. */
  readonly watchdog: { count: number };
  /** Whole mails, with their headers. */
  readonly mails: string[];
  /** Those that this stands in, until told otherwise. */
  refuseMails(text: string | undefined): void;
  close(): void;
}

/** `monitoring.email` for the mail server at `server`, ADDRESS:PORT. */
export const emailTo = (server: string) => ({
  ...{ to: "ops@foobar.com", from: "alerts@foobar.com" },
  ...{ server, requireTls: false },
});

export async function startReceivers(ports: {
  readonly webhook: number;
  readonly mail: number;
}): Promise<Receivers> {
  const told: Told[] = [];
  const mails: string[] = [];
  const watchdog = { count: 0 };
  const webhook = createHttpServer((request, response) => {
    let text = "";
    request.setEncoding("utf8");
    request.on("data", (part: string) => {
      text += part;
    });
    request.on("end", () => {
      response.end();
      if (request.url === "/watchdog") watchdog.count += 1;
      else told.push(...readAlerts(text));
    });
  });
  let refused: string | undefined;
  const mail = createMailServer((text) => {
    const isTaken = refused === undefined || !text.includes(refused);
    if (isTaken) mails.push(text);
    return isTaken;
  });
  await Promise.all([listen(webhook, ports.webhook), listen(mail, ports.mail)]);
  const close = () => {
    webhook.close();
    mail.close();
  };
  const refuseMails = (text: string | undefined) => {
    refused = text;
  };
  return { told, mails, watchdog, refuseMails, close };
}

function listen(server: Server | SocketServer, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "0.0.0.0", resolve);
  });
}

function readAlerts(text: string): readonly Told[] {
  return v.parse(body, JSON.parse(text)).alerts.map(({ status, labels, annotations }) => ({
    alert: labels.alertname ?? "",
    host: labels.host ?? "",
    severity: labels.severity ?? "",
    firstStep: annotations.first_step ?? "",
    ...{ status, at: Date.now() },
  }));
}

/** As much of SMTP (RFC 5321) as a mail needs that comes without TLS. */
function createMailServer(isTaken: (mail: string) => boolean): SocketServer {
  return createServer((socket) => {
    let rest = "";
    let mail: string[] | undefined;
    const answer = (line: string) => socket.write(`${line}\r\n`);
    const take = (line: string) => {
      if (mail !== undefined) {
        if (line !== ".") return void mail.push(line);
        const text = mail.join("\n");
        mail = undefined;
        return answer(isTaken(text) ? "250 taken" : "554 not this one");
      }
      if (/^DATA/i.test(line)) {
        mail = [];
        return answer("354 go on");
      }
      if (/^QUIT/i.test(line)) return socket.end("221 bye\r\n");
      return answer("250 ok");
    };
    socket.setEncoding("utf8");
    socket.on("error", () => socket.destroy());
    socket.on("data", (part: string) => {
      const lines = (rest + part).split("\r\n");
      rest = lines.pop() ?? "";
      for (const line of lines) take(line);
    });
    answer("220 receiver");
  });
}
