/** Makes the page nicer; it works without. */

const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const units = [
  ["day", 86400],
  ["hour", 3600],
  ["minute", 60],
];

function showTime(element) {
  const time = new Date(element.dateTime);
  const seconds = Math.max(0, (Date.now() - time.getTime()) / 1000);
  element.title = time.toLocaleString();
  const unit = units.find(([, length]) => seconds >= length);
  if (!unit) element.textContent = "just now";
  else if (seconds > 14 * 86400) element.textContent = time.toLocaleDateString();
  else element.textContent = relative.format(-Math.floor(seconds / unit[1]), unit[0]);
}

function showTimes() {
  for (const element of document.querySelectorAll("time")) showTime(element);
}

function countDown(counter) {
  const field = document.getElementById(counter.dataset.countOf);
  const show = () => {
    const left = field.maxLength - field.value.length;
    counter.textContent = left <= 200 ? `${left} characters left` : "";
  };
  field.addEventListener("input", show);
  show();
}

showTimes();
setInterval(showTimes, 30000);
for (const counter of document.querySelectorAll("[data-count-of]")) countDown(counter);

const form = document.querySelector("form");
form?.addEventListener("submit", () => {
  form.querySelector("button").disabled = true;
});
addEventListener("pageshow", () => {
  const button = form?.querySelector("button");
  if (button) button.disabled = false;
});
