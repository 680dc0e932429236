// Countdowns tick here, from the server's clock: the page says what time it is there and how fast it runs.
(function () {
  "use strict";
  const words = JSON.parse(document.getElementById("countdown-words").textContent);
  const RED_BELOW = 6 * 3600 * 1000;
  let serverNow = 0;
  let readAt = 0;
  let speed = 1;

  function readClock() {
    const live = document.getElementById("live");
    if (!live) return false;
    serverNow = Number(live.dataset.now);
    speed = Number(live.dataset.speed);
    readAt = performance.now();
    return true;
  }

  function now() {
    return serverNow + (performance.now() - readAt) * speed;
  }

  function fill(pattern, values) {
    return pattern.replace(/%\((\w+)\)s/g, (whole, name) => values[name]);
  }

  // The same words and cuts as durations.py.
  function duration(milliseconds) {
    let minutes = Math.floor(Math.abs(milliseconds) / 60000);
    const days = Math.floor(minutes / 1440);
    const hours = Math.floor((minutes % 1440) / 60);
    minutes %= 60;
    let name;
    if (days) name = hours ? "days_hours" : "days";
    else if (hours) name = minutes ? "hours_minutes" : "hours";
    else name = minutes ? "minutes" : "moment";
    return fill(words[name], { days, hours, minutes });
  }

  // The same scale as rules/deadlines.py.
  function tone(start, due, left) {
    if (left <= 0) return "overdue";
    if (left < RED_BELOW) return "red";
    return left * 2 > due - start ? "neutral" : "amber";
  }

  function show(element, at) {
    const due = Number(element.dataset.due);
    const start = Number(element.dataset.start);
    const left = due - at;
    const text = fill(left > 0 ? words.left : words.overdue, { time: duration(left) });
    const place = element.querySelector("[data-left], [data-later]");
    if (place && place.textContent !== text) place.textContent = text;
    const colour = tone(start, due, left);
    if (element.dataset.tone !== colour) {
      element.dataset.tone = colour;
      // A row has the tone of its nearest deadline.
      const row = element.matches(".case-later") ? null : element.closest(".case, .deadline");
      if (row) row.dataset.tone = colour;
    }
    const bar = element.closest(".deadline")?.querySelector("progress");
    if (bar) bar.value = Math.min(Math.max((at - start) / 1000, 0), bar.max);
  }

  // Beijing time, month to minute, as the page wrote it.
  function showClock(at) {
    const place = document.querySelector("[data-clock]");
    if (place) place.textContent = new Date(at + 8 * 3600000).toISOString().slice(5, 16).replace("T", " ");
  }

  function tick() {
    const at = now();
    showClock(at);
    document.querySelectorAll("[data-due]").forEach((element) => show(element, at));
  }

  if (!readClock()) return;
  tick();
  setInterval(tick, 1000);
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id === "live" || event.detail.elt.id === "live") readClock();
    tick();
  });
})();
