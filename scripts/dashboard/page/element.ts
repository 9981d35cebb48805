/** Makes elements. What comes from hosts becomes text alone, never markup. */

export type Child = Node | string | null | undefined | false;

type Attributes = Readonly<Record<string, string | undefined>>;

export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) made.setAttribute(name, value);
  }
  made.append(...present(children));
  return made;
}

export function present(children: readonly Child[]): (Node | string)[] {
  return children.filter((child): child is Node | string => Boolean(child));
}

export function byId(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`no element ${id}`);
  return found;
}

/** Only where it is another one than before: a screen reader, and a selection, are not disturbed. */
export function fill(place: HTMLElement, of: unknown, make: () => readonly Child[]): void {
  const text = JSON.stringify(of);
  if (filled.get(place) === text) return;
  filled.set(place, text);
  place.replaceChildren(...present(make()));
}

const filled = new WeakMap<HTMLElement, string>();

export function table(
  head: readonly string[],
  rows: readonly (readonly Child[])[],
  caption: string,
): HTMLElement {
  const header = (text: string) => element("th", { scope: "col" }, text);
  const cell = (child: Child, at: number) =>
    at === 0 ? element("th", { scope: "row" }, child) : element("td", {}, child);
  const made = element(
    "table",
    {},
    element("caption", { class: "unseen" }, caption),
    element("thead", {}, element("tr", {}, ...head.map(header))),
    element("tbody", {}, ...rows.map((row) => element("tr", {}, ...row.map(cell)))),
  );
  // Where it is wider than the window it scrolls, with the arrow keys as well.
  return element(
    "div",
    { class: "scrolls", tabindex: "0", role: "region", "aria-label": caption },
    made,
  );
}
