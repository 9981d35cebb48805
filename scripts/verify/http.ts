/** One request over a connection of its own. */
import { type IncomingHttpHeaders, request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";

export interface Question {
  readonly url: string;
  readonly method?: "GET" | "POST";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly deadlineSeconds?: number;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export function request(question: Question): Promise<Answer> {
  const { url, method = "GET", headers, body, deadlineSeconds = 5 } = question;
  const send = url.startsWith("https:") ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    const fail = (reason: string): void => reject(new Error(`${url} ${reason}`));
    const options = { method, agent: false, ...(headers ? { headers } : {}) };
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

function explain(error: Error & { readonly code?: string }): string {
  const reasons: Readonly<Record<string, string>> = {
    ECONNREFUSED: "refuses connections",
    ECONNRESET: "hung up without an answer",
    EHOSTUNREACH: "cannot be reached",
    ENOTFOUND: "has no address",
  };
  return reasons[error.code ?? ""] ?? `failed: ${error.message}`;
}
