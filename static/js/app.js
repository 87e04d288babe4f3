/* What the browser adds to pages that work without it: keys, focus, busy marks, errors, toasts. ADR 0003. */
(() => {
  const html = document.documentElement;
  const one = (css, from = document) => from.querySelector(css);
  const all = (css, from = document) => [...from.querySelectorAll(css)];
  const on = (names, run, late) => names.split(" ").forEach(n => document.addEventListener(n, run, late));
  const keep = (name, value) =>
    (document.cookie = `${name}=${value};path=/;max-age=${value ? 31536000 : 0};SameSite=Lax` +
      (location.protocol === "https:" ? ";Secure" : ""));

  /* keys: single letters act inside [data-keys] only (WCAG 2.1.4); elements name theirs in data-key */
  const TEXT = "input:not([type=checkbox],[type=radio]),textarea,select,[contenteditable]";
  let goUntil = 0, picked;

  function act(el) {
    if (!el || el.getAttribute("aria-disabled") === "true") return !!el;
    el.matches(TEXT) ? el.focus() : el.click();
    return true;
  }
  function enter(row) {
    const to = row && (one("[data-focus]", row) || one("a,button,input", row) || row);
    if (!to) return false;
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
      const own = all(css, at).find(el => el.closest("[data-keys]") === at);  // never another row's
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

  /* clicks: refused buttons, closing, the reader's own settings, forms shared by many rows */
  on("click", e => {
    const at = css => e.target.closest?.(css);
    if (at("[aria-disabled=true], .btn[aria-busy=true]")) return e.preventDefault(), e.stopPropagation();
    if (at("[data-close]")) at(".toast, .note")?.remove();
    if (at("[data-all]")) all(`input[name="${at("[data-all]").dataset.all}"]`)
      .forEach(el => el.checked !== at("[data-all]").checked && el.click());
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
    all("[data-keys-toggle]").forEach(el => (el.textContent = off ? "Turn keys on" : "Turn keys off"));
    all("[data-set-theme]").forEach(el => el.setAttribute("aria-pressed", el.dataset.setTheme === theme));
  }

  /* one intent, one key (ADR 0012): what is sent again after no answer, or while the first is under way, has one effect */
  const keys = new WeakMap();
  const newKey = () => [...crypto.getRandomValues(new Uint8Array(16))].map(n => n.toString(16).padStart(2, "0")).join("");
  on("htmx:configRequest", e => {
    const { elt, verb, parameters } = e.detail;
    if (verb === "get") return delete parameters.idempotency_key;
    if (!keys.has(elt)) keys.set(elt, newKey());
    parameters.idempotency_key = keys.get(elt);
  });
  on("htmx:afterRequest", e => {
    const { status } = e.detail.xhr;  // 0: no answer; 409, 429 and faults of ours: not done yet, or not known
    if (status && status < 500 && status !== 409 && status !== 429) keys.delete(e.detail.elt);
  });
  addEventListener("pageshow", e => e.persisted &&
    all("input[name=idempotency_key]").forEach(el => (el.value = newKey())));  // come back to by Back: another intent

  /* htmx: busy marks, focus that never falls to the body, popovers that follow their content */
  let left;
  const region = e => document.getElementById(e.detail.target?.id) || e.target;
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
    const peers = row ? all(`[data-keys="${row.dataset.keys}"]`) : [];
    const form = e.detail.requestConfig.elt.closest("form");
    if (e.detail.xhr.status === 422 && form && !e.detail.xhr.getResponseHeader("HX-Reswap") && !e.detail.target.contains(form))
      Object.assign(e.detail, { target: form, swapOverride: "outerHTML" });
    left = from !== document.body && { row: row?.id, next: (peers[peers.indexOf(row) + 1] || peers[peers.indexOf(row) - 1])?.id };
  });
  on("htmx:afterSettle", e => {
    const to = region(e);
    if (to.matches("[popover]:not(:popover-open)") && to.innerHTML.trim()) to.showPopover({ source: e.detail.requestConfig.elt });
    const wanted = one("[data-autofocus]", to);
    if (wanted) return wanted.focus();
    if (document.activeElement !== document.body || !left) return;
    const alive = id => id && one(`[data-keys][id="${CSS.escape(id)}"]`);
    if (enter(alive(left.row)) || enter(alive(left.next))) return;
    if (!to.matches("a,button,input")) to.tabIndex = -1;
    to.focus({ preventScroll: true });
  });

  /* errors: the region keeps its place and its content; table parts answer in a toast */
  const WHY = {
    401: ["You are signed out.", "Sign in in another tab, then try again. Your input is kept."],
    403: ["You may not do this.", "Ask the owner or your manager."],
    404: ["This is no longer here.", "Reload the page to see what changed."],
    429: ["Too many requests.", "Wait a minute, then try again."],
    503: ["Not available right now.", "Nothing was changed. Try again in a moment."],
    timeout: ["No answer in 15 seconds.", "Your input is kept. It may still arrive: look before you repeat it."],
    sendError: ["Not sent: no connection.", "Your input is kept."],
    other: ["This did not work.", "The fault is on our side. Your filters and input are kept."],
  };
  on("htmx:responseError htmx:sendError htmx:timeout", e => {
    const { elt, target, xhr, requestConfig: sent } = e.detail, kind = e.type.slice(5);
    // whoever may not see it any more need not ask every second
    if ([401, 403, 404].includes(xhr.status) && elt.matches("[hx-trigger^=every]")) elt.dataset.ended = "";
    if (elt.matches("[data-quiet]") && one("[data-failed]")) return;
    let [what, why] = WHY[kind === "responseError" ? xhr.status : kind] || WHY.other;
    const wait = xhr?.status === 429 && Number(xhr.getResponseHeader("Retry-After"));
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
    const inside = target?.isConnected && !target.closest("table, ul, ol, dl, select, button, a");
    inside ? target.prepend(note) : one("#toasts").append(note);
  });

  /* toasts: eight seconds, held while read; errors and [data-stay] wait for their cross */
  function watch(toast) {
    let timer;
    const hold = () => clearTimeout(timer);
    const start = () => (hold(), (timer = setTimeout(() => toast.remove(), 8000)));
    if (!toast.matches?.(".toast:not([data-stay])")) return;
    toast.onmouseenter = hold;
    toast.addEventListener("focusin", hold);
    toast.onmouseleave = () => toast.contains(document.activeElement) || start();
    toast.addEventListener("focusout", start);
    start();
  }

  /* what works for a while only leaves with its time, but not from under a finger */
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
