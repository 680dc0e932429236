// Small manners of every page.
(function () {
  "use strict";
  // A page that could not be refreshed says so, until it could.
  const stale = document.getElementById("stale");
  const failed = () => { if (stale) stale.hidden = false; };
  document.addEventListener("htmx:sendError", failed);
  document.addEventListener("htmx:responseError", failed);
  document.addEventListener("htmx:afterRequest", (event) => {
    if (stale && event.detail.successful) stale.hidden = true;
  });

  // Back from another window or from sleep: look at once.
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) document.body.dispatchEvent(new Event("wake"));
  });
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) window.location.reload();
  });

  // The menu closes when one looks elsewhere.
  const menu = document.querySelector("details.menu");
  if (menu) {
    document.addEventListener("click", (event) => {
      if (!menu.contains(event.target)) menu.open = false;
    });
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && menu.open) {
        menu.open = false;
        menu.querySelector("summary").focus();
      }
    });
  }
})();
