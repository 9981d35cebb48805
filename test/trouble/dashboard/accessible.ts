/** What can be told by a program of a page's accessibility: names, headings, landmarks, contrast, and what the keyboard reaches. */
import type { Page } from "playwright-core";

/** A line for each fault. */
export async function accessibilityFaults(page: Page): Promise<readonly string[]> {
  return (await page.evaluate(`(${findFaults})()`)) as string[];
}

/** Runs in the page. */
const findFaults = String.raw`() => {
  const faults = [];
  const isShown = (element) => element.checkVisibility({ opacityProperty: false, visibilityProperty: true });
  const describe = (element) => element.outerHTML.slice(0, 100);
  const textOf = (ids) => ids.split(/\s+/).map((id) => document.getElementById(id)?.textContent ?? "").join(" ").trim();
  const nameOf = (element) =>
    element.getAttribute("aria-label") ||
    (element.hasAttribute("aria-labelledby") && textOf(element.getAttribute("aria-labelledby"))) ||
    (element.labels?.length && [...element.labels].map((label) => label.textContent).join(" ").trim()) ||
    element.textContent.trim();
  for (const control of document.querySelectorAll("a, button, input, select, summary, [tabindex='0'], [role=img], dialog, section, nav, article, figure, fieldset")) {
    if (isShown(control) && !nameOf(control)) faults.push("no name: " + describe(control));
  }
  for (const picture of document.querySelectorAll("svg, canvas, img")) {
    const isNamed = picture.closest("[role=img]") || picture.getAttribute("aria-hidden") === "true" || picture.hasAttribute("alt");
    if (isShown(picture) && !isNamed) faults.push("neither named nor hidden: " + describe(picture));
  }
  const ids = [...document.querySelectorAll("[id]")].map(({ id }) => id);
  for (const id of new Set(ids.filter((id, at) => ids.indexOf(id) !== at))) faults.push("twice: id " + id);
  for (const one of document.querySelectorAll("[aria-labelledby], label[for]")) {
    for (const id of (one.getAttribute("aria-labelledby") ?? one.getAttribute("for")).split(/\s+/)) {
      if (!document.getElementById(id)) faults.push("leads nowhere: " + describe(one));
    }
  }
  let level = 0;
  for (const heading of document.querySelectorAll("h1, h2, h3, h4")) {
    if (!isShown(heading) || heading.closest("dialog")) continue;
    const next = Number(heading.tagName[1]);
    if (next > level + 1) faults.push("a level of headings is left out: " + describe(heading));
    level = next;
  }
  for (const landmark of ["header", "nav", "main"]) {
    if (document.querySelectorAll(landmark).length !== 1) faults.push("not one " + landmark);
  }
  if (!document.documentElement.lang || !document.title) faults.push("no language or title");
  for (const table of document.querySelectorAll("table")) {
    if (!table.caption || !table.querySelector("th[scope=col]")) faults.push("no caption or heads: " + describe(table));
  }

  const context = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    context.clearRect(0, 0, 1, 1);
    context.fillStyle = colour;
    context.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = context.getImageData(0, 0, 1, 1).data;
    return [red, green, blue, alpha / 255];
  };
  const over = (top, below) => top.slice(0, 3).map((part, at) => part * top[3] + below[at] * (1 - top[3]));
  const groundOf = (element) => {
    const above = [];
    for (let one = element; one; one = one.parentElement) above.push(rgba(getComputedStyle(one).backgroundColor));
    const root = matchMedia("(prefers-color-scheme: dark)").matches ? [18, 18, 18] : [255, 255, 255];
    return above.reverse().reduce((below, colour) => over(colour, below), root);
  };
  const light = (colour) => {
    const [red, green, blue] = colour.map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const opacityOf = (element) => {
    let opacity = 1;
    for (let one = element; one; one = one.parentElement) opacity *= Number(getComputedStyle(one).opacity);
    return opacity;
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const seen = new Set();
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.textContent.trim() || !isShown(element) || element.closest(".unseen, script, style, noscript, .skip")) continue;
    const style = getComputedStyle(element);
    const ground = groundOf(element);
    const [red, green, blue, alpha] = rgba(style.color);
    const ink = over([red, green, blue, alpha * opacityOf(element)], ground);
    const [more, less] = [light(ink), light(ground)].sort((a, b) => b - a);
    const ratio = (more + 0.05) / (less + 0.05);
    const size = Number.parseFloat(style.fontSize);
    const needed = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700) ? 3 : 4.5;
    const key = style.color + ground;
    if (ratio >= needed || seen.has(key)) continue;
    seen.add(key);
    faults.push("contrast " + ratio.toFixed(2) + ": " + describe(element));
  }
  const width = document.documentElement.scrollWidth;
  if (width > innerWidth) faults.push("wider than the window: " + width + " of " + innerWidth);
  return faults;
}`;

/** What has the focus after each press of Tab, from the top of the page on. */
export async function walkByTab(page: Page, steps: number): Promise<readonly string[]> {
  await page.evaluate("document.activeElement?.blur(); scrollTo(0, 0)");
  const found: string[] = [];
  for (let step = 0; step < steps; step += 1) {
    await page.keyboard.press("Tab");
    found.push(
      String(
        await page.evaluate(
          `(() => { const at = document.activeElement; return at.tagName.toLowerCase() + " " + (at.ariaLabel ?? at.labels?.[0]?.textContent ?? at.textContent).trim().slice(0, 40); })()`,
        ),
      ),
    );
  }
  return found;
}
