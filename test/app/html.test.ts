import test from "ava";
import { Html, html } from "../../app/html";

test("text stays text", (t) => {
  const name = `<script>alert("1" & '2')</script>`;
  t.is(
    html`<p title="${name}">${name}</p>`.text.includes("<script>"),
    false,
    "an element cannot be smuggled in",
  );
  t.is(html`${`"&'`}`.text, "&#34;&#38;&#39;");
});

test("what is HTML already stands as it is, what is absent leaves nothing", (t) => {
  const items = ["a", "<b>"].map((item) => html`<li>${item}</li>`);
  t.is(
    html`<ol>${items}</ol>${undefined}${false}${7}`.text,
    "<ol><li>a</li><li>&#60;b&#62;</li></ol>7",
  );
  t.is(html`${new Html("<hr>")}`.text, "<hr>");
});
