/* Forms with data-passkey: "get" proves a key, "create" makes one, "login" asks the server for options first.
   The answer goes into the form's field `credential`. */
"use strict";
(() => {
  const words = {
    NotAllowedError: "The browser was told no, or it took too long. Try again.",
    InvalidStateError: "This key is set up here already.",
    SecurityError: "Passkeys need an https address, or localhost. This address is neither.",
  };

  async function optionsOf(form) {
    if (form.dataset.passkey === "login") {
      const answer = await fetch(form.action, { headers: { Accept: "application/json" } });
      if (!answer.ok) throw new Error("The server does not answer. Try again in a minute.");
      return (await answer.json()).request_options;
    }
    const said = JSON.parse(document.getElementById(form.dataset.options).textContent);
    return said.request_options || said.creation_options;
  }

  function forSignIn(options, form) {
    const box = form.querySelector("input[name=passwordless]");
    const choice = options.publicKey.authenticatorSelection;
    if (!box || !choice) return options;
    choice.residentKey = box.checked ? "required" : "discouraged";
    choice.requireResidentKey = box.checked;
    if (box.checked) choice.userVerification = "required";
    return options;
  }

  async function ask(form) {
    const options = forSignIn(await optionsOf(form), form);
    const made = form.dataset.passkey === "create"
      ? await window.webauthnJSON.create(options)
      : await window.webauthnJSON.get(options);
    form.elements.credential.value = JSON.stringify(made);
    form.submit();
  }

  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!form.matches("[data-passkey]")) return;
    event.preventDefault();
    const line = form.querySelector("[data-passkey-error]");
    const button = form.querySelector("button[type=submit]");
    line.hidden = true;
    button.setAttribute("aria-busy", "true");
    try {
      await ask(form);
    } catch (error) {
      button.removeAttribute("aria-busy");
      line.textContent = words[error.name] || error.message || "This browser has no passkeys.";
      line.hidden = false;
    }
  });
})();
