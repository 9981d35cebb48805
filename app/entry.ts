/** What a visitor may write into the book. */

export const maxNameLength = 60;
export const maxMessageLength = 1000;

export interface NewEntry {
  /** Names one sending of the form: sent twice, it is one entry. */
  readonly submission: string;
  readonly name: string;
  readonly message: string;
}

export interface Entry {
  readonly id: number;
  readonly name: string;
  readonly message: string;
  /** The web server that took it. */
  readonly takenBy: string;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
}

/** Field to what is wrong with it. */
export type Faults = { readonly [field in "name" | "message"]?: string };

export type Fields = { readonly [field in keyof NewEntry]?: unknown };

/** Cleans what was sent, and says what is wrong with it. */
export function parseEntry(
  fields: Fields,
  newSubmission: () => string,
): { readonly entry: NewEntry; readonly faults: Faults } {
  const name = clean(fields.name).replaceAll(/\s+/gu, " ");
  const message = clean(fields.message).replaceAll(/\n{3,}/g, "\n\n");
  const sent = String(fields.submission ?? "");
  const faults = {
    ...fault("name", name, maxNameLength, "Please give a name."),
    ...fault("message", message, maxMessageLength, "Please write a few words."),
  };
  const submission = isUuid(sent) ? sent.toLowerCase() : newSubmission();
  return { entry: { submission, name, message }, faults };
}

function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
}

function clean(value: unknown): string {
  const text = typeof value === "string" ? value : "";
  return (
    // By way of UTF-8, in which half an emoji cannot stand.
    Buffer.from(text)
      .toString()
      .normalize("NFC")
      .replaceAll(/\r\n?/g, "\n")
      // Control characters, and those that reorder the text around them.
      .replaceAll(/[^\P{Cc}\n\t]|[\u202a-\u202e\u2066-\u2069]/gu, "")
      .trim()
  );
}

function fault(field: "name" | "message", text: string, limit: number, whenEmpty: string): Faults {
  // As a reader counts, and as MySQL does: an emoji is one.
  const length = [...text].length;
  if (length === 0) return { [field]: whenEmpty };
  if (length <= limit) return {};
  return { [field]: `Please keep it to ${limit} characters: there are ${length}.` };
}
