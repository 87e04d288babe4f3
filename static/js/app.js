/* What the browser adds to pages that work without it: docs/adr/0003 */
(() => {
  const html = document.documentElement;
  const one = (css, from = document) => from.querySelector(css);
  const all = (css, from = document) => [...from.querySelectorAll(css)];
  const on = (names, run, late) => names.split(" ").forEach(n => document.addEventListener(n, run, late));
  const keep = (name, value) =>
    (document.cookie = `${name}=${value};path=/;max-age=${value ? 31536000 : 0};SameSite=Lax` +
      (location.protocol === "https:" ? ";Secure" : ""));

  /* keys */
  const TEXT = "input:not([type=checkbox],[type=radio]),textarea,select,[contenteditable]";
  let goUntil = 0, picked;

  function act(el) {
    if (!el || el.matches("[aria-disabled=true]")) return !!el;
    el.matches(TEXT) ? el.focus() : el.click();
    return true;
  }
  function enter(row) {
    if (!row) return false;
    const to = one("[data-focus]", row) || one("a,button,input", row) || row;
    if (to === row) row.tabIndex = -1;
    to.focus();
    return true;
  }
  function move(area, by) {
    const inner = all("[data-keys]", area);
    if (inner.length) return enter(inner[0]);
    const among = area.dataset.moves, peers = all(`[data-keys="${among || area.dataset.keys}"]`);
    return enter(peers[(among ? peers.findIndex(el => one("[aria-current]", el)) : peers.indexOf(area)) + by]);
  }
  function find(area, name) {
    const css = `[data-key~="${CSS.escape(name)}"]`;
    for (let at = area; at; at = at.parentElement?.closest("[data-keys]")) {
      const own = all(css, at).find(el => el.closest("[data-keys]") === at);
      if (own) return own;
    }
    return all(css).reverse().find(el => !el.closest("[data-keys]"));
  }
  function range(box) {
    const boxes = all(`input[type=checkbox][name="${box.name}"]`);
    const [from, to] = [boxes.indexOf(picked), boxes.indexOf(box)].sort((a, b) => a - b);
    if (from >= 0) boxes.slice(from, to + 1).forEach(el => el.checked || el.click());
    return from >= 0;
  }
  function press(e) {
    const typing = e.target.matches(TEXT), key = e.key === " " ? "space" : e.key.toLowerCase();
    const name = (e.ctrlKey || e.metaKey ? "ctrl+" : "") + key;
    const area = e.target.closest("[data-keys]");
    if (typing) return ["escape", "ctrl+enter"].includes(name) && area && act(find(area, name));
    if (name.startsWith("ctrl+") ? name !== "ctrl+enter" : e.altKey) return false;
    if (key === "/") return act(one("#search"));
    if (key === "?") return one("#keys-help")?.togglePopover() ?? false;
    if (Date.now() < goUntil) return (goUntil = 0), act(one(`[data-go="${CSS.escape(key)}"]`));
    if (key === "g") return (goUntil = Date.now() + 1500), true;
    if (!area || (["enter", "space"].includes(key) && e.target.matches("a,button,input,summary") &&
      !(key === "space" && e.target.matches("a")))) return false;
    if (key === "j" || key === "k") return move(area, key === "j" ? 1 : -1);
    const el = find(area, name);
    if (key !== "x" || el?.type !== "checkbox") return act(el);
    if (!(e.shiftKey && range(el))) act(el);
    picked = el;
    return true;
  }
  on("keydown", e => {
    const found = e.target.closest?.(".find");
    if (found && /^Arrow(Up|Down)$/.test(e.key)) {
      const stops = [one("input", found), ...all("a", found)];
      stops[stops.indexOf(e.target) + (e.key === "ArrowDown" ? 1 : -1)]?.focus();
      return e.preventDefault();
    }
    if (!e.defaultPrevented && e.target.matches && !html.hasAttribute("data-keys-off") && press(e)) e.preventDefault();
  });

  on("click", e => {
    const at = css => e.target.closest?.(css);
    if (at("[aria-disabled=true], .btn[aria-busy=true]")) return e.preventDefault(), e.stopPropagation();
    if (at("[data-close]")) at(".toast, .note")?.remove();
    const every = at("[data-all]");
    if (every) all(`input[name="${every.dataset.all}"]`).forEach(el => el.checked !== every.checked && el.click());
    if (at("[data-set-theme]")) setTheme(at("[data-set-theme]").dataset.setTheme);
    if (at("[data-keys-toggle]")) keep("hotkeys", html.toggleAttribute("data-keys-off") ? "off" : ""), settings();
    const shared = at("[popovertarget][data-action]");
    if (shared) lend(one("#" + shared.getAttribute("popovertarget")), shared.dataset);
  }, true);
  on("change", () => all("[data-selected]").forEach(el =>
    (el.textContent = all(`input[name="${el.dataset.selected}"]:checked`).length)));
  function lend(form, { action, target, name }) {
    form.action = action;
    keys.delete(form);
    form.setAttribute("hx-post", action);
    if (target) form.setAttribute("hx-target", target);
    all("[data-name]", form).forEach(el => (el.textContent = name || ""));
    htmx.process(form);
  }
  function setTheme(name) {
    html.dataset.theme = name;
    keep("theme", name);
    settings();
    document.dispatchEvent(new Event("theme"));
  }
  function settings() {
    const off = html.hasAttribute("data-keys-off"), theme = html.dataset.theme || "";
    all("[data-keys-toggle]").forEach(el => (el.textContent = `Turn keys ${off ? "on" : "off"}`));
    all("[data-set-theme]").forEach(el => el.setAttribute("aria-pressed", el.dataset.setTheme === theme));
  }

  /* one intent, one key: docs/adr/0012 */
  const keys = new WeakMap();
  const newKey = () => crypto.getRandomValues(new Uint32Array(4)).join("");
  on("htmx:configRequest", e => {
    const { elt, verb, parameters } = e.detail;
    if (verb === "get") return delete parameters.idempotency_key;
    if (!keys.has(elt)) keys.set(elt, newKey());
    parameters.idempotency_key = keys.get(elt);
  });
  on("htmx:afterRequest", e => {
    const { status } = e.detail.xhr;
    if (status && status < 500 && status !== 409 && status !== 429) keys.delete(e.detail.elt);
  });
  addEventListener("pageshow", e => e.persisted &&
    all("input[name=idempotency_key]").forEach(el => (el.value = newKey())));

  /* busy marks, focus, popovers */
  let left;
  const busy = (e, yes) => !e.detail.elt.matches("[data-quiet]") && [e.detail.target, e.detail.elt,
    e.detail.requestConfig?.triggeringEvent?.submitter].forEach(el =>
    yes ? el?.setAttribute?.("aria-busy", "true") : el?.removeAttribute?.("aria-busy"));
  on("htmx:beforeRequest", e => "ended" in e.detail.elt.dataset ? e.preventDefault() : busy(e, true));
  on("htmx:afterRequest", e => {
    busy(e, false);
    const pop = e.detail.requestConfig.elt.closest("[popover]:popover-open");
    if (pop && e.detail.successful && !pop.contains(e.detail.target)) pop.hidePopover();
  });
  on("htmx:beforeSwap", e => {
    const from = document.activeElement, row = (from.closest("[popover]") ? e.detail.target : from).closest("[data-keys]");
    const peers = row ? all(`[data-keys="${row.dataset.keys}"]`) : [], at = peers.indexOf(row);
    const { xhr, target, requestConfig } = e.detail, form = requestConfig.elt.closest("form");
    if (xhr.status === 422 && form && !xhr.getResponseHeader("HX-Reswap") && !target.contains(form))
      Object.assign(e.detail, { target: form, swapOverride: "outerHTML" });
    left = from !== document.body && { row: row?.id, next: (peers[at + 1] || peers[at - 1])?.id };
  });
  on("htmx:afterSettle", e => {
    const to = document.getElementById(e.detail.target?.id) || e.target;
    if (to.matches("[popover]:not(:popover-open)") && to.innerHTML.trim()) to.showPopover({ source: e.detail.requestConfig.elt });
    const wanted = one("[data-autofocus]", to);
    if (wanted) return wanted.focus();
    if (document.activeElement !== document.body || !left) return;
    const alive = id => id && one(`[data-keys][id="${CSS.escape(id)}"]`);
    if (enter(alive(left.row)) || enter(alive(left.next))) return;
    if (!to.matches("a,button,input")) to.tabIndex = -1;
    to.focus({ preventScroll: true });
  });

  /* errors */
  const WHY = {
    401: ["You are signed out.", "Sign in in another tab. Your input is kept."],
    403: ["You may not do this.", "Ask the owner or your manager."],
    404: ["This is no longer here.", "Reload the page to see what changed."],
    429: ["Too many requests.", "Try again in a minute."],
    503: ["Not available now.", "Nothing was changed. Try again."],
    timeout: ["No answer in 15 seconds.", "Your input is kept. It may still arrive: look before you repeat it."],
    sendError: ["Not sent: no connection.", "Your input is kept."],
    other: ["This did not work.", "The fault is on our side. Your input is kept."],
  };
  on("htmx:responseError htmx:sendError htmx:timeout", e => {
    const { elt, target, xhr, requestConfig: sent } = e.detail, kind = e.type.slice(5);
    if ([401, 403, 404].includes(xhr.status) && elt.matches("[hx-trigger^=every]")) elt.dataset.ended = "";
    if (elt.matches("[data-quiet]") && one("[data-failed]")) return;
    let [what, why] = WHY[kind === "responseError" ? xhr.status : kind] || WHY.other;
    const wait = xhr.status === 429 && +xhr.getResponseHeader("Retry-After");
    if (wait) why = `Try again in ${wait} second${wait > 1 ? "s" : ""}. Your input is kept.`;
    const note = one("#error-note").content.cloneNode(true).firstElementChild;
    const ref = kind === "responseError" && xhr.getResponseHeader("X-Request-ID");
    one("[data-what]", note).textContent = what;
    one("[data-why]", note).textContent = why + (ref ? ` Reference ${ref}.` : "");
    one("[data-again]", note).onclick = () => {
      note.remove();
      delete elt.dataset.ended;
      if (!elt.isConnected) location.reload();
      else elt.matches("form") ? elt.requestSubmit() : htmx.ajax(sent.verb, sent.path, { source: elt, target });
    };
    all("[data-failed]").forEach(el => el.remove());
    note.dataset.failed = "";
    const apart = !target?.isConnected || target.closest("table,ul,ol,dl,select,button,a");
    apart ? one("#toasts").append(note) : target.prepend(note);
  });

  function watch(toast) {
    let timer;
    const hold = () => clearTimeout(timer);
    const start = () => (hold(), (timer = setTimeout(() => toast.matches(":hover,:focus-within") || toast.remove(), 8000)));
    if (!toast.matches?.(".toast:not([data-stay])")) return;
    for (const name of ["mouseenter", "focusin"]) toast.addEventListener(name, hold);
    for (const name of ["mouseleave", "focusout"]) toast.addEventListener(name, start);
    start();
  }

  function leave(el, ms) {
    setTimeout(() => el.contains(document.activeElement) ? leave(el, 1000) : el.remove(), ms);
  }
  on("htmx:load", e => all("form[data-leaves]", e.target).forEach(el => leave(el, el.dataset.leaves * 1000)));

  on("DOMContentLoaded", () => {
    settings();
    const toasts = one("#toasts");
    if (toasts) all(".toast", toasts).forEach(watch), new MutationObserver(list =>
      list.forEach(change => change.addedNodes.forEach(watch))).observe(toasts, { childList: true });
    one("[data-autofocus]")?.focus();
  });
})();
