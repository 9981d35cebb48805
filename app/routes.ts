/** Address and method to answer. */

import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Book, Written } from "./database/book";
import { classifyFault, describeError } from "./database/fault";
import type { Reading } from "./database/reading";
import { type Outcome, WriteError } from "./database/write";
import { type Faults, type NewEntry, parseEntry } from "./entry";
import { renderPage } from "./page";
import {
  checkSameOrigin,
  HttpError,
  parseCount,
  parseLastWrite,
  readFields,
  renderLastWrite,
  schemeOf,
} from "./request";

export interface Application {
  readonly hostName: string;
  readonly book: Book;
  readonly isReady: () => boolean;
  readonly isStopping: () => boolean;
  readonly log: (line: string) => void;
}

export interface Exchange {
  readonly request: IncomingMessage;
  readonly query: URLSearchParams;
  readonly path: string;
}

export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: { readonly html: string } | { readonly json: unknown };
}

type Route = (application: Application, exchange: Exchange) => Promise<Answer>;

const contentSecurityPolicy = [
  "default-src 'none'",
  "style-src 'self'",
  "script-src 'self'",
  "img-src data:",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");
const entriesPerPage = 30;
const maxEntriesPerAnswer = 200;

const routes: Readonly<Record<string, Readonly<Record<string, Route>>>> = {
  "/": { GET: showPage },
  "/entries": { POST: signBook },
  "/healthz": { GET: tellHealth },
  "/api/entries": { GET: listEntries, POST: addEntry },
  "/api/status": { GET: tellStatus },
};

export async function answer(application: Application, exchange: Exchange): Promise<Answer> {
  const methods = routes[exchange.path];
  if (methods === undefined) throw new HttpError(404, `there is no ${exchange.path} here`);
  const method = exchange.request.method === "HEAD" ? "GET" : exchange.request.method;
  const route = methods[method ?? ""];
  if (route !== undefined) return route(application, exchange);
  const allowed = Object.keys(methods).join(", ");
  throw new HttpError(405, `${exchange.path} takes ${allowed}`, { Allow: allowed });
}

export async function sendAnswer(
  application: Application,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://localhost");
  const exchange = { request, path: pathname, query: searchParams };
  const { status, headers, body } = await answer(application, exchange).catch((error: unknown) =>
    answerError(application, error),
  );
  const [type, text] =
    "html" in body ? ["text/html", body.html] : ["application/json", JSON.stringify(body.json)];
  response.writeHead(status, {
    "Content-Type": `${type}; charset=utf-8`,
    "Content-Length": Buffer.byteLength(text),
    "Cache-Control": "no-store",
    "Content-Security-Policy": contentSecurityPolicy,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    ...(application.isStopping() ? { Connection: "close" } : {}),
    ...headers,
  });
  response.end(text);
}

async function showPage(application: Application, exchange: Exchange): Promise<Answer> {
  const before = parseCount(exchange.query, "before", Number.MAX_SAFE_INTEGER);
  const lastWrite = parseLastWrite(exchange.request.headers.cookie);
  const isSigned = lastWrite !== undefined && exchange.query.get("signed") === `${lastWrite.id}`;
  const { reading, trouble } = await tryReading(application, {
    after: lastWrite?.gtid,
    before,
    limit: entriesPerPage,
  });
  return page(application, reading === undefined ? 503 : 200, {
    reading,
    trouble,
    signed: isSigned ? lastWrite : undefined,
    isOlder: before !== undefined,
    form: { submission: randomUUID(), name: "", message: "" },
    faults: {},
  });
}

async function signBook(application: Application, { request }: Exchange): Promise<Answer> {
  checkSameOrigin(request);
  const { entry, faults } = parseEntry(await readFields(request), randomUUID);
  if (Object.keys(faults).length > 0) return showForm(application, 422, entry, faults);
  try {
    const written = await application.book.write(entry, application.hostName);
    const location = `/?signed=${written.id}`;
    return {
      status: 303,
      headers: { Location: location, ...remember(written, request) },
      body: { html: "" },
    };
  } catch (error) {
    application.log(`an entry could not be written: ${describeError(error)}`);
    return showForm(application, 503, entry, {}, whyUnwritten(error));
  }
}

async function showForm(
  application: Application,
  status: number,
  form: NewEntry,
  faults: Faults,
  unwritten?: string,
): Promise<Answer> {
  const { reading, trouble } = await tryReading(application, { limit: entriesPerPage });
  return page(application, status, {
    reading,
    trouble: unwritten ?? trouble,
    signed: undefined,
    isOlder: false,
    form,
    faults,
  });
}

async function listEntries(application: Application, exchange: Exchange): Promise<Answer> {
  const { query, request } = exchange;
  const question = {
    after: parseLastWrite(request.headers.cookie)?.gtid,
    before: parseCount(query, "before", Number.MAX_SAFE_INTEGER),
    limit: parseCount(query, "limit", maxEntriesPerAnswer) ?? entriesPerPage,
  };
  const reading = await application.book.read(question);
  return { status: 200, body: { json: { servedBy: application.hostName, ...reading } } };
}

async function addEntry(application: Application, { request }: Exchange): Promise<Answer> {
  checkSameOrigin(request);
  const { entry, faults } = parseEntry(await readFields(request), randomUUID);
  if (Object.keys(faults).length > 0) {
    return { status: 422, body: { json: { servedBy: application.hostName, faults } } };
  }
  const { hostName: servedBy, book, log } = application;
  try {
    const written = await book.write(entry, servedBy);
    const { submission } = entry;
    return {
      status: 201,
      headers: remember(written, request),
      body: { json: { servedBy, submission, ...written } },
    };
  } catch (error) {
    log(`an entry could not be written: ${describeError(error)}`);
    const outcome = outcomeOf(error);
    const { submission } = entry;
    const remedy = "send it again with this submission: it is kept once";
    return {
      status: 503,
      headers: { "Retry-After": "5" },
      body: { json: { servedBy, outcome, submission, error: reasonOf(error), remedy } },
    };
  }
}

async function tellHealth({ hostName, isReady }: Application): Promise<Answer> {
  const state = isReady() ? "ready" : "starting";
  return { status: isReady() ? 200 : 503, body: { json: { servedBy: hostName, state } } };
}

async function tellStatus({ hostName, book, isReady }: Application): Promise<Answer> {
  const database = await book.status();
  return { status: 200, body: { json: { servedBy: hostName, isReady: isReady(), database } } };
}

async function tryReading(
  application: Application,
  question: Parameters<Book["read"]>[0],
): Promise<{ readonly reading?: Reading; readonly trouble?: string }> {
  try {
    return { reading: await application.book.read(question) };
  } catch (error) {
    application.log(`the entries could not be read: ${describeError(error)}`);
    return { trouble: "The entries cannot be shown: no database server answers at the moment." };
  }
}

function page(
  { hostName }: Application,
  status: number,
  content: Omit<Parameters<typeof renderPage>[0], "servedBy">,
): Answer {
  return { status, body: { html: renderPage({ servedBy: hostName, ...content }) } };
}

function remember(
  { id, gtid, writtenTo }: Written,
  request: IncomingMessage,
): Readonly<Record<string, string>> {
  if (gtid === undefined) return {};
  const lastWrite = { id, host: writtenTo.host, gtid };
  return { "Set-Cookie": renderLastWrite(lastWrite, schemeOf(request)) };
}

function outcomeOf(error: unknown): Outcome {
  return error instanceof WriteError ? error.outcome : "not written";
}

function reasonOf(error: unknown): string {
  const cause = error instanceof WriteError ? error.cause : error;
  return classifyFault(cause) === "read-only"
    ? "the database takes no writes"
    : "the database's primary does not answer";
}

function whyUnwritten(error: unknown): string {
  const why = `${reasonOf(error)} at the moment`;
  return outcomeOf(error) === "unknown"
    ? `It is unknown whether your entry is saved: ${why}. It may appear later. Your text is still here: sent again, it is kept once.`
    : `Your entry is not saved: ${why}. Your text is still here, please send it again in a while.`;
}

function answerError({ hostName, log }: Application, error: unknown): Answer {
  if (error instanceof HttpError) {
    const { status, headers, message } = error;
    return { status, headers, body: { json: { servedBy: hostName, error: message } } };
  }
  log(`a request failed: ${describeError(error)}`);
  const message = "the database is away at the moment";
  return { status: 503, body: { json: { servedBy: hostName, error: message } } };
}
