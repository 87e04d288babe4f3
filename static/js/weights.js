/* On the form of a draft policy: what the weights of the indicators that count total, while they are typed. */
document.addEventListener("DOMContentLoaded", () => {  // the admin loads scripts before the form
  const rows = () => [...document.querySelectorAll("input[name$='-weight']")];
  const counts = weight => document.querySelector(`[name="${weight.name.replace(/weight$/, "enabled")}"]`)?.checked;
  const last = rows().at(-1);
  if (!last) return;
  const line = document.createElement("p");
  line.id = "weights-total";
  line.setAttribute("role", "status");
  (last.closest("fieldset") || last.form).prepend(line);
  const tell = () => {
    const sum = rows().filter(counts).reduce((all, each) => all + Math.round(100 * (Number(each.value) || 0)), 0);
    const gap = (10000 - sum) / 100;
    line.textContent = `Weights total ${sum / 100}` +
      (gap ? `, not 100: ${gap > 0 ? "add" : "take away"} ${Math.abs(gap)}.` : ".");
  };
  document.addEventListener("input", tell);
  document.addEventListener("change", tell);
  tell();
});
