import test from "ava";
import { type PageContent, renderPage } from "../../app/page";

const content: PageContent = {
  servedBy: "web-01",
  reading: {
    entries: [
      {
        id: 7,
        name: "<Ada>",
        message: "a & b",
        takenBy: "web-02",
        createdAt: "2026-11-23T18:46:07.739Z",
      },
    ],
    hasMore: true,
    readFrom: { role: "replica", host: "web-02" },
    waitedMilliseconds: 3,
  },
  trouble: undefined,
  signed: { id: 7, host: "web-01", gtid: "x" },
  isOlder: false,
  form: { submission: "s", name: `"q"`, message: "</textarea>" },
  faults: { name: "Please give a name." },
};

const visible = (page: string) =>
  page
    .replaceAll(/<(head|svg)[\s\S]*?<\/\1>|<[^>]+>/g, " ")
    .replaceAll(/\s+/g, " ")
    .trim();

test("says who answered, and where the entry was written and read", (t) => {
  const text = visible(renderPage(content));
  t.regex(text, /Answered by web-01/);
  t.regex(
    text,
    /Written to the primary on web-01\. Read back from the replica on web-02, after 3 ms/,
  );
});

test("what visitors wrote stays text", (t) => {
  const page = renderPage(content);
  t.true(page.includes("&#60;Ada&#62;"));
  t.true(page.includes('value="&#34;q&#34;"'));
  t.is(page.split("</textarea>").length, 2);
});

test("a fault stands by its field", (t) => {
  t.regex(
    renderPage(content),
    /<input id="name"[^>]* aria-invalid="true" aria-describedby="name-fault">/,
  );
});

test("a page is three requests, so that the next one is another server's", (t) => {
  const asked = renderPage(content).match(/ (src|href)="(?!data:|\/"|\/\?)[^"]*"/g) ?? [];
  t.is(asked.length, 2);
});

test("without a database the form stays, and says so", (t) => {
  const page = renderPage({ ...content, reading: undefined, trouble: "No database." });
  t.regex(page, /role="alert">No database\.</);
  t.regex(page, /<form/);
});

test("pages of older entries have no form", (t) => {
  t.notRegex(renderPage({ ...content, isOlder: true }), /<form/);
});
