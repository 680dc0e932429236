// Passkeys: ties the page's one form with data-passkey to allauth's code. Nothing of it stands in the page itself.
(function () {
  "use strict";
  const form = document.querySelector("form[data-passkey]");
  if (!form) return;
  const forms = window.allauth.webauthn.forms;
  const ids = { credential: "passkey-credential", data: "passkey-data" };
  const button = "passkey-button";
  const trouble = document.querySelector("[data-passkey-trouble]");

  if (form.dataset.passkey === "login") forms.loginForm({ ids: { ...ids, login: button } });
  if (form.dataset.passkey === "authenticate") forms.authenticateForm({ ids: { ...ids, authenticate: button } });
  if (form.dataset.passkey === "add") forms.addForm({ ids: { ...ids, add: button, passwordless: "passkey-alone" } });

  document.getElementById(button).addEventListener("click", () => { trouble.hidden = true; });
  document.addEventListener("allauth.error", (event) => {
    event.preventDefault();
    trouble.hidden = false;
  });
})();
