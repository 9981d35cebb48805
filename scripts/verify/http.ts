/** One request over a connection of its own. */
import { type IncomingHttpHeaders, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";

export interface Question {
  readonly url: string;
  readonly method?: "GET" | "POST";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly deadlineSeconds?: number;
  /** How a server that speaks TLS is known. Default: by the host name of the URL, and the roots that Node has. */
  readonly trust?: Trust | undefined;
}

export interface Trust {
  /** The name that its certificate has. */
  readonly name: string;
  /** PEM: its root, where systems do not trust it by themselves. */
  readonly ca?: string | undefined;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export function request(question: Question): Promise<Answer> {
  const { url, method = "GET", headers, body, deadlineSeconds = 5, trust } = question;
  const send = url.startsWith("https:") ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    const fail = (reason: string): void => reject(new Error(`${url} ${reason}`));
    const options = {
      ...{ method, agent: false, ...(headers ? { headers } : {}) },
      ...(trust && tlsOptions(trust)),
    };
    const exchange = send(url, options, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("error", (error) => fail(explain(error)));
      response.on("end", () => {
        clearTimeout(timer);
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text });
      });
    });
    const timer = setTimeout(() => {
      fail(`did not answer within ${deadlineSeconds} s`);
      exchange.destroy();
    }, deadlineSeconds * 1000);
    exchange.on("error", (error) => {
      clearTimeout(timer);
      fail(explain(error));
    });
    exchange.end(body);
  });
}

/** For Node's `tls` and `https`: the certificate is checked by the name that is asked for. */
export function tlsOptions({ name, ca }: Trust) {
  return { servername: name, ...(ca !== undefined && { ca }) };
}

function explain(error: Error & { readonly code?: string }): string {
  const reasons: Readonly<Record<string, string>> = {
    ECONNREFUSED: "refuses connections",
    ECONNRESET: "hung up without an answer",
    EHOSTUNREACH: "cannot be reached",
    ENOTFOUND: "has no address",
  };
  return reasons[error.code ?? ""] ?? `failed: ${error.message}`;
}
