/** The one page: the form, the entries, and which servers it came from. */

import { assets } from "./assets";
import type { Place } from "./database/member";
import type { Reading } from "./database/reading";
import { type Entry, type Faults, maxMessageLength, maxNameLength, type NewEntry } from "./entry";
import { type Html, html } from "./html";
import { icon, logo } from "./logo";
import type { LastWrite } from "./request";

export interface PageContent {
  readonly servedBy: string;
  readonly reading: Reading | undefined;
  /** What does not work at the moment, in a sentence. */
  readonly trouble: string | undefined;
  /** The visitor's own entry, just written. */
  readonly signed: LastWrite | undefined;
  /** Whether this is a page of older entries. */
  readonly isOlder: boolean;
  /** What stands in the form. */
  readonly form: NewEntry;
  readonly faults: Faults;
}

/**
 * It asks for two static files, no more and no less: a page is then three requests, and a round robin over two
 * servers answers the next one from the other server.
 */
export function renderPage(content: PageContent): string {
  const { servedBy, reading, trouble, signed, isOlder } = content;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Guest book</title>
<link rel="icon" href="${icon}">
<link rel="stylesheet" href="${assets.style}">
<script src="${assets.script}" defer></script>
</head>
<body>
<header>
<a class="brand" href="/">${logo}<h1>Guest book</h1></a>
<p class="served">Answered by <strong>${servedBy}</strong></p>
</header>
<main>
${isOlder ? undefined : renderForm(content)}
<section class="entries" id="entries" aria-label="Entries">
${trouble && html`<p class="notice trouble" role="alert">${trouble}</p>`}
${signed && reading && renderThanks(signed, reading)}
${reading && renderEntries(reading, signed?.id)}
</section>
</main>
${renderFooter(servedBy, reading)}
</body>
</html>
`.text;
}

function renderForm({ form, faults }: PageContent): Html {
  return html`<section class="sign">
<h2>Leave a line</h2>
<p>A greeting, a thought, where you are from. Everyone who comes by will read it.</p>
<form method="post" action="/entries">
<input type="hidden" name="submission" value="${form.submission}">
<label for="name">Your name</label>
<input id="name" name="name" value="${form.name}" autocomplete="name" required maxlength="${maxNameLength}"${describe("name", faults)}>
${renderFault("name", faults)}
<label for="message">Your message</label>
<textarea id="message" name="message" rows="4" required maxlength="${maxMessageLength}"${describe("message", faults)}>
${form.message}</textarea>
${renderFault("message", faults)}
<div class="send"><button>Sign the book</button><span class="count" data-count-of="message"></span></div>
</form>
</section>`;
}

function describe(field: keyof Faults, faults: Faults): Html | undefined {
  if (faults[field] === undefined) return undefined;
  return html` aria-invalid="true" aria-describedby="${field}-fault"`;
}

function renderFault(field: keyof Faults, faults: Faults): Html | undefined {
  const fault = faults[field];
  if (fault === undefined) return undefined;
  return html`<p class="fault" id="${field}-fault">${fault}</p>`;
}

function renderThanks(signed: LastWrite, reading: Reading): Html {
  const back =
    reading.detour === "stale"
      ? html`It may take a while to appear: ${place(reading.readFrom)} does not have it yet.`
      : html`Read back from ${place(reading.readFrom)}${waited(reading)}.`;
  return html`<p class="notice thanks" role="status"><strong>Thank you for signing.</strong>
Written to the <span class="role primary">primary</span> on ${signed.host}. ${back}</p>`;
}

function renderEntries({ entries, hasMore }: Reading, ownId: number | undefined): Html {
  if (entries.length === 0) return html`<p class="empty">The first page is still blank.</p>`;
  const oldest = entries.at(-1)?.id;
  return html`<ol>
${entries.map((entry) => renderEntry(entry, entry.id === ownId))}</ol>
${hasMore && html`<p class="more"><a href="/?before=${oldest}">Older entries</a></p>`}`;
}

function renderEntry({ id, name, message, takenBy, createdAt }: Entry, isOwn: boolean): Html {
  const initial = [...name][0]?.toUpperCase() ?? "";
  return html`<li id="entry-${id}" class="entry${isOwn && " own"}">
<span class="initial hue-${hue(name)}" aria-hidden="true">${initial}</span>
<div>
<p class="by"><strong>${name}</strong> <time datetime="${createdAt}">${showTime(createdAt)}</time></p>
<p class="message">${message}</p>
<p class="taken">taken by ${takenBy}</p>
</div>
</li>
`;
}

function renderFooter(servedBy: string, reading: Reading | undefined): Html {
  const read = reading && html`<li>entries from ${place(reading.readFrom)}${waited(reading)}</li>`;
  return html`<footer>
<ul class="way"><li>page from ${servedBy}</li>${read}${reading && renderDetour(reading)}</ul>
</footer>`;
}

function renderDetour({ detour }: Reading): Html | undefined {
  if (detour === undefined) return undefined;
  const reasons = {
    "replica-behind": "the replica is behind",
    "replica-away": "no replica answers",
    stale: "the newest entries may be missing",
  };
  return html`<li class="detour">${reasons[detour]}</li>`;
}

function place({ role, host }: Place): Html {
  return html`the <span class="role ${role}">${role}</span> on ${host}`;
}

function waited({ waitedMilliseconds }: Reading): string | undefined {
  return waitedMilliseconds === undefined ? undefined : `, after ${waitedMilliseconds} ms`;
}

function showTime(time: string): string {
  return `${time.slice(0, 10)} ${time.slice(11, 16)} UTC`;
}

/** One of eight colours, the same for the same name. */
function hue(name: string): number {
  return [...name].reduce((sum, letter) => (sum * 31 + (letter.codePointAt(0) ?? 0)) % 9973, 7) % 8;
}
