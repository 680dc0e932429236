// Before the first paint: follow the system's light or dark unless the person chose one.
(function () {
  "use strict";
  var root = document.documentElement;
  if (root.dataset.theme !== "auto") return;
  var dark = window.matchMedia("(prefers-color-scheme: dark)");
  function follow() {
    root.dataset.bsTheme = dark.matches ? "dark" : "light";
  }
  follow();
  dark.addEventListener("change", follow);
})();
