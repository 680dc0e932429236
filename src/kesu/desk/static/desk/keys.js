// The inbox by keyboard, and choosing rows. Everything here can also be done without it.
(function () {
  "use strict";
  const sheet = document.getElementById("keys");
  const opener = document.getElementById("keys-open");
  const rows = () => Array.from(document.querySelectorAll("#cases > .case"));
  const here = () => document.activeElement?.closest?.("#cases > .case");
  let last = null;

  function rest(row) {
    if (!row) return;
    row.querySelector(".case-link").focus();
    row.scrollIntoView({ block: "nearest" });
  }

  // From where one is; from the last row one was at after the page was elsewhere; else from the top.
  function move(step) {
    const all = rows();
    const from = here() || (last && document.getElementById(last));
    const at = all.indexOf(from);
    rest(all[at < 0 ? 0 : Math.min(Math.max(at + step, 0), all.length - 1)]);
  }

  function open(place) {
    const link = here()?.querySelector(".case-link");
    if (link) window.location.assign(link.href + place);
  }

  // Chosen rows are kept by number: a row that is shown anew is still chosen.
  const chosen = new Set();
  let anchor = null;

  function show() {
    document.querySelectorAll(".pick").forEach((box) => { box.checked = chosen.has(box.value); });
    const number = document.getElementById("bulk-number");
    if (!number) return;
    number.dataset.label ??= number.textContent;
    number.textContent = chosen.size ? `${chosen.size} ${number.dataset.one}` : number.dataset.label;
  }

  function choose(box, all) {
    const boxes = Array.from(document.querySelectorAll(".pick"));
    const [from, to] = [boxes.findIndex((other) => other.value === anchor), boxes.indexOf(box)];
    const span = all && from >= 0 ? boxes.slice(Math.min(from, to), Math.max(from, to) + 1) : [box];
    span.forEach((one) => { if (box.checked) chosen.add(one.value); else chosen.delete(one.value); });
    anchor = box.value;
    show();
  }

  document.addEventListener("click", (event) => {
    if (event.target.matches?.(".pick")) choose(event.target, event.shiftKey);
  });
  document.addEventListener("focusin", () => { last = here()?.id || last; });
  for (const name of ["htmx:afterSwap", "htmx:oobAfterSwap", "htmx:afterSettle"]) document.addEventListener(name, show);
  document.querySelectorAll(".pick:checked").forEach((box) => chosen.add(box.value));
  show();

  // Panels close when one looks elsewhere.
  document.addEventListener("click", (event) => {
    document.querySelectorAll("details.filters[open], details.exports[open]").forEach((panel) => {
      if (!panel.contains(event.target)) panel.open = false;
    });
  });

  const acts = {
    j: () => move(1),
    k: () => move(-1),
    o: () => open(""),
    r: () => open("#reply"),
    e: () => open("#act-refund"),
    c: () => open("#act-complete"),
    g: () => here()?.querySelector(".case-who form button")?.click(),
    x: () => {
      const box = here()?.querySelector(".pick");
      if (box) { box.checked = !box.checked; choose(box, false); }
    },
    X: () => {
      const box = here()?.querySelector(".pick");
      if (box) { box.checked = true; choose(box, true); }
    },
    "/": () => { const field = document.getElementById("search"); field.focus(); field.select(); },
    "?": () => sheet.showModal(),
  };
  const typing = (target) => target.closest?.("input:not([type=checkbox]), textarea, select, [contenteditable]");

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.key === "Escape") {
      const panel = document.querySelector("details.filters[open], details.exports[open]");
      if (panel) { panel.open = false; panel.querySelector("summary").focus(); }
      else if (typing(event.target) && event.target.id === "search") rest(rows()[0]);
      return;
    }
    if (sheet.open || typing(event.target) || !Object.hasOwn(acts, event.key)) return;
    event.preventDefault();
    acts[event.key]();
  });
  if (opener) {
    opener.hidden = false;
    opener.addEventListener("click", () => sheet.showModal());
  }
  sheet.addEventListener("click", (event) => { if (event.target === sheet) sheet.close(); });
})();
