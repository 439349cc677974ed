"use strict";
// Without this script the page shows everything; with it, it can be searched, filtered and walked by keyboard.

// Light and dark: as the system says, until the button says otherwise.
const theme = document.getElementById("theme");
const system = matchMedia("(prefers-color-scheme: dark)");
const isDark = () => (document.documentElement.dataset.theme || (system.matches ? "dark" : "light")) === "dark";
const label = () => { theme.textContent = isDark() ? "Light" : "Dark"; };
theme.hidden = false;
theme.addEventListener("click", () => {
  document.documentElement.dataset.theme = isDark() ? "light" : "dark";
  label();
});
system.addEventListener("change", label);
label();

// Evidence is printed even where it is folded.
let folded = [];
addEventListener("beforeprint", () => {
  folded = [...document.querySelectorAll(".find details:not([open]), .list:not([open])")];
  for (const details of folded) details.open = true;
});
addEventListener("afterprint", () => {
  for (const details of folded) details.open = false;
});

const form = document.getElementById("filter");
if (form) {
  const search = form.elements.search;
  const boxes = [...form.querySelectorAll("input[type=checkbox]")];
  const shown = document.getElementById("shown");
  const nothing = document.getElementById("nothing");
  const rules = [...document.querySelectorAll("section.rule")].map((rule) => {
    const head = rule.querySelector(".head").textContent.toLowerCase();
    const finds = [...rule.querySelectorAll(".find")].map((item) => ({
      item,
      severity: item.dataset.severity,
      text: head + " " + item.textContent.toLowerCase(),
    }));
    return { rule, finds };
  });
  const total = rules.reduce((sum, { finds }) => sum + finds.length, 0);

  const apply = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const wanted = new Set(boxes.filter((box) => box.checked).map((box) => box.value));
    let n = 0;
    for (const { rule, finds } of rules) {
      let here = 0;
      for (const { item, severity, text } of finds) {
        const visible = wanted.has(severity) && words.every((word) => text.includes(word));
        if (item.hidden === visible) item.hidden = !visible;
        here += visible;
      }
      rule.hidden = here === 0;
      n += here;
    }
    nothing.hidden = n > 0;
    shown.textContent = n === total ? `${n} shown` : `${n} of ${total} shown`;
  };

  const all = () => {
    search.value = "";
    for (const box of boxes) box.checked = true;
    apply();
  };

  // Goes to the next finding that is shown, or the one before.
  const walk = (step) => {
    const list = [...document.querySelectorAll("section.rule:not([hidden]) .find:not([hidden])")];
    const at = list.indexOf(document.activeElement.closest(".find"));
    const next = list[at < 0 ? (step > 0 ? 0 : list.length - 1) : at + step];
    if (next) {
      next.focus({ preventScroll: true });
      next.scrollIntoView({ block: "nearest" });
    }
  };

  // A link to a finding that is filtered out shows it first; one to a life opens it.
  const reveal = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    if (target.hidden || target.closest("section[hidden]")) all();
    for (let fold = target.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    target.scrollIntoView();
  };

  form.hidden = false;
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  document.getElementById("reset").addEventListener("click", () => {
    all();
    search.focus();
  });
  for (const link of document.querySelectorAll("a[data-find]")) {
    link.addEventListener("click", () => {
      search.value = link.dataset.find;
      apply();
    });
  }
  addEventListener("hashchange", reveal);
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = event.target.matches("input[type=search]");
    if (event.key === "Escape" && typing) {
      search.value = "";
      apply();
    } else if (typing) {
      return;
    } else if (event.key === "/") {
      event.preventDefault();
      search.focus();
      search.select();
    } else if (event.key === "j" || event.key === "k") {
      walk(event.key === "j" ? 1 : -1);
    }
  });
  apply();
  if (location.hash) reveal();
}
