// Draws the dashboards' figures, which the server has put into the page as JSON, with Plotly; the tables below them need no script.
(() => {
  "use strict";
  const still = { displayModeBar: false, responsive: true, scrollZoom: false, doubleClick: false, showTips: false };
  const drawn = new Map();

  // What a token of the design ("--danger") is in the present theme.
  const probe = document.createElement("span");
  probe.hidden = true;
  const colour = (token) => {
    probe.style.color = `var(${token})`;
    return getComputedStyle(probe).color;
  };
  const coloured = (value) => {
    if (typeof value === "string") return value.startsWith("--") ? colour(value) : value;
    if (Array.isArray(value)) return value.map(coloured);
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, coloured(part)]));
  };

  const themed = (layout) => {
    const text = colour("--text");
    const result = {
      margin: { t: 16, r: 16, b: 48, l: 48 },
      showlegend: false,
      dragmode: false,
      ...coloured(layout),
      font: { color: text, size: 12, family: getComputedStyle(document.body).fontFamily },
      paper_bgcolor: colour("--surface"),
      plot_bgcolor: colour("--surface"),
      hoverlabel: { bgcolor: colour("--surface-2"), font: { color: text } },
    };
    for (const name of ["xaxis", ...Object.keys(result).filter((key) => key.startsWith("yaxis"))]) {
      const lines = { gridcolor: colour("--border"), linecolor: colour("--border-strong"), zerolinecolor: colour("--border-strong") };
      result[name] = { fixedrange: true, ...lines, ...result[name] };
    }
    return result;
  };

  const draw = async (plot) => {
    const { data, layout } = drawn.get(plot);
    await Plotly.react(plot, coloured(data), themed(layout), still);
    plot.dataset.drawn = "true";
  };

  const begin = async (plot) => {
    const { data, layout: { height, ...layout } } = JSON.parse(document.getElementById(plot.dataset.figure).textContent);
    plot.style.height = `${height}px`;
    drawn.set(plot, { data, layout });
    await draw(plot);
    plot.on("plotly_click", ({ points }) => {
      const address = points[0]?.customdata;
      if (address) location.assign(address);
    });
  };

  const save = async (button) => {
    const plot = document.getElementById(button.dataset.savePng);
    const { width, height } = plot.getBoundingClientRect();
    const address = await Plotly.toImage(plot, { format: "png", width: Math.round(width), height: Math.round(height), scale: 2 });
    const link = document.createElement("a");
    link.href = address;
    link.download = `cardiocare-${plot.id}.png`;
    link.click();
  };

  document.addEventListener("DOMContentLoaded", () => {
    document.body.append(probe);
    const plots = [...document.querySelectorAll("[data-figure]")];
    const again = () => plots.forEach(draw);
    Promise.all(plots.map(begin)).then(() => {
      matchMedia("(prefers-color-scheme: dark)").addEventListener("change", again);
      new MutationObserver(again).observe(document.documentElement, { attributeFilter: ["data-theme"] });
    });
    for (const button of document.querySelectorAll("[data-save-png]")) button.addEventListener("click", () => save(button));
  });
})();
