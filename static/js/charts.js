/* Charts: figures arrive as JSON beside [data-chart]; "--accent/16" is a token at 16 %, read when drawing. ADR 0003. */
(() => {
  const all = from => [...from.querySelectorAll("[data-chart]")];
  function paint(value, probe) {
    if (Array.isArray(value)) return value.map(item => paint(item, probe));
    if (value && typeof value === "object")
      return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, paint(v, probe)]));
    const token = typeof value === "string" && /^(--[\w-]+)(?:\/(\d+))?$/.exec(value);
    if (!token) return value;
    probe.style.color = `var(${token[1]})`;
    const colour = getComputedStyle(probe).color;
    return token[2] ? colour.replace(/^rgb\((.+)\)$/, `rgba($1, ${token[2] / 100})`) : colour;
  }
  const axis = { gridcolor: "--line", linecolor: "--line-2", zerolinecolor: "--line-2", automargin: true, fixedrange: true };
  function draw(el) {
    const fig = JSON.parse(document.getElementById(el.dataset.chart).textContent);
    const { xaxis, yaxis, ...rest } = fig.layout || {};
    const layout = paint({
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", margin: { l: 8, r: 8, t: 8, b: 8 },
      showlegend: false, colorway: ["--accent", "--ink-3", "--good-fill", "--high-fill", "--crit-fill"],
      font: { family: getComputedStyle(document.body).fontFamily, size: 12, color: "--ink-3" }, ...rest,
      hoverlabel: { bgcolor: "--raised", bordercolor: "--line-2", font: { color: "--ink" } },
      xaxis: { ...axis, ...xaxis }, yaxis: { ...axis, ...yaxis },
    }, el);
    const config = { displayModeBar: false, responsive: true, staticPlot: matchMedia("(pointer:coarse)").matches };
    Plotly.react(el, paint(fig.data, el), layout, config);
  }
  const repaint = () => all(document).forEach(draw);
  const on = (name, run) => document.addEventListener(name, run);

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", repaint);
  on("theme", repaint);
  on("DOMContentLoaded", repaint);
  on("htmx:load", e => e.target !== document.body && all(e.target).forEach(draw));
  on("htmx:beforeCleanupElement", e => e.target.matches?.("[data-chart]") && Plotly.purge(e.target));
})();
