// The case page: forms answer in place, what one writes is never lost, everything has a key.
// Without this file every form works as a plain one.
(function () {
  "use strict";
  const TYPED = "textarea, input:not([type=hidden]):not([type=checkbox]):not([type=file]), select";
  const DRAFT = "kesu-draft-";
  const DRAFT_DAYS = 3;
  const later = { "#refund": "#act-refund", "#complete": "#act-complete" };
  let skipped = false;
  let pressed = null;

  const live = () => document.getElementById("live");
  const points = (text) => Array.from(text);

  // Remaining length, in characters as the platform counts them.
  function count(field) {
    const place = document.querySelector(`[data-length-of="${field.id}"]`);
    if (!place) return;
    const used = points(field.value.trim()).length;
    place.querySelector("[data-used]").textContent = used;
    place.toggleAttribute("data-over", used > Number(place.dataset.limit));
  }

  // Drafts: kept by case in this browser, dropped once a reply of this person was taken.
  function keep(field) {
    const name = DRAFT + field.dataset.draft;
    try {
      if (field.value.trim()) localStorage.setItem(name, JSON.stringify({ mark: field.dataset.mark, text: field.value, at: Date.now() }));
      else localStorage.removeItem(name);
    } catch { /* storage is full or switched off: the page itself still has the text */ }
  }

  function restore(field) {
    const name = DRAFT + field.dataset.draft;
    let kept = null;
    try { kept = JSON.parse(localStorage.getItem(name)); } catch { return; }
    if (!kept) return;
    if (kept.mark !== field.dataset.mark) localStorage.removeItem(name);
    else if (!field.value.trim()) {
      field.value = kept.text;
      const note = document.querySelector("[data-draft-note]");
      if (note) note.hidden = false;
      field.dispatchEvent(new Event("input", { bubbles: true }));
    }
  }

  function forgetOld() {
    try {
      for (const name of Object.keys(localStorage)) {
        if (!name.startsWith(DRAFT)) continue;
        const kept = JSON.parse(localStorage.getItem(name));
        if (Date.now() - (kept?.at || 0) > DRAFT_DAYS * 86400000) localStorage.removeItem(name);
      }
    } catch { /* nothing to forget */ }
  }

  // A part of the page that somebody is at stays as it is.
  function busy(part) {
    if (part.contains(document.activeElement) && document.activeElement.matches("textarea, input, select")) return true;
    if (part.querySelector("[data-standing]")) return true;
    return Array.from(part.querySelectorAll(TYPED)).some((field) =>
      field.matches("select") ? !Array.from(field.options).some((one) => one.selected && one.defaultSelected) && field.selectedIndex > 0
        : field.matches("textarea") ? field.value.trim() !== "" : field.value !== field.defaultValue)
      || Array.from(part.querySelectorAll("input[type=checkbox]")).some((box) => box.checked !== box.defaultChecked);
  }

  function opened(part) {
    return Array.from(part.querySelectorAll("details[id]")).concat(part.matches("details[id]") ? [part] : [])
      .map((one) => [one.id, one.open]);
  }
  const folds = new Map();

  // What was typed while the answer was on its way comes after what the server says, or stays as it is.
  const sent = new Map();
  const newer = new Map();
  function note(form) {
    form.querySelectorAll("textarea[id]").forEach((field) => sent.set(field.id, field.value));
  }
  function typedSince(part) {
    part.querySelectorAll("textarea[id]").forEach((field) => {
      if (sent.has(field.id) && field.value !== sent.get(field.id)) newer.set(field.id, field.value);
    });
  }
  function putBack() {
    newer.forEach((typed, id) => {
      const field = document.getElementById(id);
      if (!field) return;
      const before = sent.get(id);
      const answered = field.value;
      if (typed.startsWith(before)) field.value = answered ? answered + typed.slice(before.length) : typed.slice(before.length).trimStart();
      else field.value = typed + (answered.startsWith(before) ? answered.slice(before.length) : "");
      field.dispatchEvent(new Event("input", { bubbles: true }));
    });
    newer.clear();
  }

  document.addEventListener("htmx:oobBeforeSwap", (event) => {
    const part = event.detail.target;
    if (!part.id || part.id === "live") return;
    const asked = pressed && part.contains(pressed);
    if (!asked && busy(part)) {
      event.detail.shouldSwap = false;
      skipped = true;
      return;
    }
    if (asked) typedSince(part);
    opened(part).forEach(([id, open]) => folds.set(id, open));
  });
  document.addEventListener("htmx:oobAfterSwap", () => {
    folds.forEach((open, id) => {
      const fold = document.getElementById(id);
      if (fold?.matches("details") && !fold.querySelector("[data-standing]")) fold.open = open;
    });
    folds.clear();
    putBack();
  });

  document.addEventListener("htmx:configRequest", (event) => {
    if (event.detail.elt.id !== "live") return;
    // A part that was left as it was is asked for again.
    if (skipped) event.detail.path = event.detail.path.replace(/stamp=[^&]*/, "stamp=");
    skipped = false;
  });
  document.addEventListener("htmx:beforeRequest", (event) => {
    const elt = event.detail.elt;
    // Nobody reads a page that is not on the screen: it must not count as seen.
    if (elt.id === "live" && document.hidden) event.preventDefault();
    if (elt.matches("form")) { elt.setAttribute("aria-busy", "true"); note(elt); }
  });
  document.addEventListener("htmx:beforeOnLoad", (event) => {
    pressed = event.detail.elt.matches("form") ? event.detail.elt : null;
  });
  // What stands in the way, and what happened meanwhile, are answers and no failures.
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (![409, 422].includes(event.detail.xhr.status)) return;
    event.detail.shouldSwap = true;
    event.detail.isError = false;
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const elt = event.detail.elt;
    elt.removeAttribute?.("aria-busy");
    if (!elt.matches?.("form")) return;
    settle();
    const standing = document.querySelector("[data-standing]");
    if (standing && [409, 422].includes(event.detail.xhr?.status)) standing.focus();
    else if (elt.id === "reply-form") end(document.getElementById("reply"));
    pressed = null;
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id === "live" || event.detail.elt.id === "live") settle();
  });

  function end(field) {
    if (!field) return;
    field.focus({ preventScroll: true });
    field.setSelectionRange(field.value.length, field.value.length);
  }

  // After every change of the page: marks, lengths, drafts.
  function settle() {
    const seen = live()?.dataset.seen;
    if (seen) document.querySelectorAll("input[name=seen]").forEach((field) => { field.value = seen; });
    document.querySelectorAll("textarea[data-draft]").forEach(restore);
    document.querySelectorAll("[data-length-of]").forEach((place) => {
      const field = document.getElementById(place.dataset.lengthOf);
      if (field) count(field);
    });
    document.querySelectorAll("[data-add-pictures]").forEach((button) => { button.tabIndex = -1; });
  }

  document.addEventListener("input", (event) => {
    const field = event.target;
    if (!field.matches?.("textarea")) return;
    count(field);
    if (field.dataset.draft) keep(field);
  });
  document.addEventListener("change", (event) => {
    const field = event.target;
    if (field.matches?.(".files") && field.files.length) field.form.querySelector("[data-add-pictures]")?.click();
    if (field.id === "template" && field.value) field.parentElement.querySelector("button")?.click();
  });

  // Better words in place of what is marked. Places are told in characters, not in UTF-16.
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("button[data-suggestion]");
    const field = button?.closest("form")?.querySelector("textarea[name=text]");
    if (!field) return;
    event.preventDefault();
    const text = points(field.value);
    text.splice(Number(button.value), Number(button.dataset.end) - Number(button.value), button.dataset.suggestion);
    field.value = text.join("");
    field.dispatchEvent(new Event("input", { bubbles: true }));
    field.focus();
  });

  function show(address) {
    const target = document.getElementById((later[address] || address).slice(1));
    if (!target) return false;
    for (let fold = target.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    const field = target.matches("textarea, select, input") ? target
      : target.querySelector(":scope > form input[type=checkbox], :scope > form button:not(.visually-hidden):not([name=rewrite]), summary");
    target.scrollIntoView({ block: target.matches("textarea") ? "center" : "start" });
    field?.focus({ preventScroll: true });
    return true;
  }
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.('a[href^="#"]');
    if (link && link.hash.length > 1 && show(link.hash)) event.preventDefault();
  });

  // Keys
  const sheet = document.getElementById("case-keys");
  document.addEventListener("keydown", (event) => {
    const field = event.target;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && field.id === "reply") {
      event.preventDefault();
      field.form.requestSubmit(field.form.querySelector(".reply-send button"));
      return;
    }
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.key === "Escape" && field.matches?.("textarea, input, select")) { field.blur(); return; }
    if (sheet?.open || field.matches?.("textarea, select, input:not([type=checkbox])")) return;
    if (event.key === "?" && sheet) { event.preventDefault(); sheet.showModal(); return; }
    if (!/^[a-z]$/.test(event.key)) return;
    const target = document.querySelector(`[data-key="${event.key}"]`);
    if (!target) return;
    event.preventDefault();
    if (target.matches("a, button")) target.click();
    else show("#" + target.id);
  });
  sheet?.addEventListener("click", (event) => { if (event.target === sheet) sheet.close(); });

  if (window.matchMedia("(max-width: 900px)").matches) {
    document.querySelectorAll("details[data-fold]").forEach((fold) => {
      if (!fold.querySelector("[data-standing]")) fold.open = false;
    });
  }
  // Chosen pictures are sent at once: the button for it, and the browser's own, are not needed.
  document.documentElement.classList.add("scripted");
  forgetOld();
  settle();
  const standing = document.querySelector("[data-standing]");
  if (standing) { standing.closest("details")?.setAttribute("open", ""); standing.focus(); }
  else if (window.location.hash) show(window.location.hash);
})();
