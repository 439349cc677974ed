"use strict";
// Filter and search: without this script the page shows everything.
const form = document.getElementById("filter");
const rows = [...document.querySelectorAll("tr[data-severity]")].map((row) => ({
  row,
  severity: row.dataset.severity,
  text: (row.dataset.rule + " " + row.closest("section").querySelector("h3").textContent + " " + row.textContent).toLowerCase(),
}));
const rules = [...document.querySelectorAll("section.rule")];
const shown = document.getElementById("shown");
const search = form.elements.search;

function apply() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  const wanted = new Set([...form.querySelectorAll("input[type=checkbox]:checked")].map((box) => box.value));
  let n = 0;
  for (const { row, severity, text } of rows) {
    const visible = wanted.has(severity) && words.every((word) => text.includes(word));
    row.hidden = !visible;
    n += visible;
  }
  for (const rule of rules) {
    rule.hidden = !rule.querySelector("tr[data-severity]:not([hidden])");
  }
  shown.textContent = n === rows.length ? `${n} shown` : `${n} of ${rows.length} shown`;
}

form.hidden = false;
form.addEventListener("input", apply);
form.addEventListener("reset", () => setTimeout(apply));
form.addEventListener("submit", (event) => event.preventDefault());
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && document.activeElement !== search) {
    event.preventDefault();
    search.focus();
  } else if (event.key === "Escape" && document.activeElement === search) {
    search.value = "";
    apply();
  }
});
apply();
