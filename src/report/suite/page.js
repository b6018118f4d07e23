"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const root = document.documentElement;
  const one = (id) => document.getElementById(id);
  const colour = (name) => getComputedStyle(root).getPropertyValue(`--${name}`).trim();
  const narrow = () => innerWidth < 600;

  // Figures as the tables have them: three digits.
  const spell = (n) => n === 0 ? "0" : Math.abs(n) >= 99.95
    ? Math.round(n).toLocaleString("en-US") : String(Number(n.toPrecision(3)));
  const ms = (n) => n >= 1000 ? `${spell(n / 1000)} s` : n < 1 ? `${spell(n * 1000)} µs` : `${spell(n)} ms`;
  const percent = (n) => `${spell(n * 100)} %`;
  const rate = (n) => `${spell(n)} req/s`;
  const digits = (n) => Number(n.toPrecision(3)).toExponential().split("e")[0];

  const charts = new Map();
  const draw = (canvas, config) => {
    charts.get(canvas)?.destroy();
    charts.set(canvas, new Chart(canvas, config));
  };
  const title = (text) => ({ display: Boolean(text), text, color: colour("soft") });
  const axis = (text, more = {}) => ({
    title: title(text), grid: { color: colour("grid") }, border: { display: false }, ...more,
    ticks: { color: colour("soft"), ...more.ticks },
  });
  // Named at each power of ten; between them too where there are few.
  const log = (text, callback, values) => {
    const some = values.filter((n) => n > 0);
    const [least, most] = some.length ? [Math.min(...some), Math.max(...some)] : [1, 10];
    const steps = most / least > 200 ? ["1"] : ["1", "2", "5"];
    const below = (n) => { const ten = 10 ** Math.floor(Math.log10(n)); return ten * [5, 2, 1].find((step) => step * ten <= n * 1.0001); };
    return axis(text, {
      type: "logarithmic", min: below(least), max: below(most * 1.0001) * (digits(below(most * 1.0001)) === "2" ? 2.5 : 2),
      ticks: { callback: (n) => steps.includes(digits(n)) ? callback(n) : null },
      grid: { color: (tick) => tick.tick && steps.includes(digits(tick.tick.value)) ? colour("grid") : "transparent" },
    });
  };
  const base = (tooltip) => ({
    animation: false, responsive: true, maintainAspectRatio: false,
    plugins: {
      legend: {
        display: false, position: "bottom", align: "start",
        labels: { color: colour("ink"), usePointStyle: true, pointStyle: "line", boxWidth: 22, font: { size: 12 } },
      },
      tooltip: { callbacks: tooltip },
    },
  });

  const wrap = (id) => {
    const most = narrow() ? 17 : 34;
    const parts = id.split(/(?<=[_/:@+])/);
    const lines = [""];
    for (const part of parts) {
      if ((lines.at(-1) + part).length > most && lines.at(-1)) lines.push("");
      lines[lines.length - 1] += part;
    }
    return lines;
  };

  // What a bar is called, and what to know of it, below its name.
  const called = (row) => [...wrap(row.id), ...(row.client_bound ? ["(limit: the client)"] : []), ...(row.plateau ? ["(40 ms plateau)"] : [])];

  // Horizontal bars with whiskers; `then` stands below where it is known.
  const bars = (canvas, rows, figure, unit, text, then) => {
    const with_then = Boolean(then) && rows.some((row) => row.then != null);
    const points = rows.map((row) => {
      const is = row[figure];
      return is ? { x: is.mean, y: row.id, xMin: is.low ?? undefined, xMax: is.high ?? undefined } : { x: null, y: row.id };
    });
    const lines = rows.map((row) => called(row).length);
    canvas.parentElement.style.height = `${56 + lines.reduce((sum, n) => sum + Math.max(with_then ? 38 : 30, n * 15 + 8), 0)}px`;
    const options = base({
      title: (items) => items[0].label,
      label: (item) => {
        const row = rows[item.dataIndex];
        if (item.dataset.label === data.then) return `${data.then}: ${text(row.then)}`;
        const { mean, low, high } = row[figure];
        const marks = [row.client_bound && "the client was the limit", row.plateau && "plateau near 40 ms"].filter(Boolean);
        return [`today: ${text(mean)}`, low == null ? "one run, no interval" : `95 % interval: ${spell(low)} to ${spell(high)}`, ...marks];
      },
    });
    options.indexAxis = "y";
    options.scales = {
      x: axis(unit, { beginAtZero: true, ticks: { maxRotation: 0, callback: (n) => spell(n) } }),
      y: axis("", { grid: { display: false }, ticks: { autoSkip: false, color: colour("ink"), callback: (at) => called(rows[at]) } }),
    };
    options.plugins.legend.display = with_then;
    options.plugins.legend.labels.pointStyle = "rect";
    options.plugins.legend.labels.boxWidth = 12;
    options.plugins.legend.onClick = () => {};
    const hollow = (row) => row.client_bound ? "transparent" : colour("bar");
    const sets = [{
      label: "today", data: points, backgroundColor: rows.map(hollow), borderColor: colour("bar"), borderWidth: 1.5, borderRadius: 3,
      errorBarColor: colour("ink"), errorBarWhiskerColor: colour("ink"), errorBarLineWidth: 1.5, errorBarWhiskerLineWidth: 1.5, errorBarWhiskerSize: 8,
      maxBarThickness: 18, categoryPercentage: .78, barPercentage: .92,
    }];
    if (with_then) {
      sets.push({ label: data.then, data: rows.map((row) => ({ x: row.then, y: row.id })), backgroundColor: colour("then"), borderRadius: 3,
        maxBarThickness: 12, categoryPercentage: .78, barPercentage: .92 });
    }
    draw(canvas, { type: "barWithErrorBars", data: { labels: rows.map((row) => row.id), datasets: sets }, options });
  };

  // Told apart by colour, and where colours come again by the points' shape.
  const look = (at) => ({
    borderColor: colour(`s${at % 8 + 1}`), backgroundColor: colour(`s${at % 8 + 1}`), borderWidth: 2, clip: 8,
    pointStyle: ["circle", "rect", "triangle"][Math.floor(at / 8) % 3],
  });
  const curves = (canvas, sets, x, y, tooltip, more = {}) => {
    const options = base(tooltip);
    options.scales = { x: { type: "linear", ...x }, y };
    options.plugins.legend.display = true;
    options.plugins.legend.labels.filter = (item) => !sets[item.datasetIndex].quiet;
    // A name hides all that is drawn for it.
    options.plugins.legend.onClick = (event, item, legend) => {
      const hide = legend.chart.isDatasetVisible(item.datasetIndex);
      sets.forEach((set, at) => set.row === sets[item.datasetIndex].row && legend.chart.setDatasetVisibility(at, !hide));
      legend.chart.update();
    };
    options.interaction = { mode: "nearest", intersect: false };
    Object.assign(options, more);
    draw(canvas, { type: "line", data: { datasets: sets }, options });
  };

  const latency = () => {
    const group = data.latency[one("latency-group").selectedIndex];
    const sets = group.curves.map((curve, at) => ({
      row: curve.id, label: curve.id, data: curve.points.map(([x, y]) => ({ x, y })), ...look(at),
      borderDash: [[], [7, 3], [2, 3]][Math.floor(at / 8) % 3], pointRadius: 0, pointHitRadius: 8, stepped: false,
    }));
    const name = (x) => x <= 1 ? "0 %" : `${Number((100 - 100 / x).toFixed(6))} %`;
    const every = (at) => group.curves.flatMap((curve) => curve.points.map((point) => point[at]));
    const x = log(narrow() ? "percentile" : "percentile (scale: how many answers for one that took longer)", name, [1, 1000]);
    x.max = Math.max(10, ...every(0));
    const y = log("latency", ms, every(1));
    curves(one("latency-chart"), sets, x, y, {
      title: (items) => `${name(items[0].parsed.x)} of the answers`,
      label: (item) => `${item.dataset.label}: within ${ms(item.parsed.y)}`,
    });
  };

  // Lines of sweeps; `figures` are the point's figures with how each is drawn, the first with its name in the legend.
  const sweep = (id, lines, figures, x, y, text) => {
    const sets = lines.flatMap((line, at) => figures.map(([figure, name, style]) => ({
      row: line.id, label: line.id, name, quiet: name !== "",
      data: line.points.map((point) => ({ x: point.x, y: figure(point) })).filter((point) => point.y != null),
      ...look(at), pointRadius: 3.5, ...style,
    })).filter((set) => set.data.length || !set.quiet));
    const ends = lines.flatMap((line) => line.points.map((point) => point.x));
    const own = x.ticks.values;
    curves(one(id), sets, { ...x, min: Math.min(...ends), max: Math.max(...ends),
      ...(own && { afterBuildTicks: (scale) => { scale.ticks = own.map((value) => ({ value })); } }) }, y, {
      title: (items) => `${x.title.text}: ${spell(items[0].parsed.x)}`,
      label: (item) => `${item.dataset.label}${item.dataset.name && `, ${item.dataset.name}`}: ${text(item.parsed.y)}`,
    });
    return sets;
  };
  const xs = (lines) => [...new Set(lines.flatMap((line) => line.points.map((point) => point.x)))].sort((a, b) => a - b);
  const all = (lines, ...keys) => lines.flatMap((line) => line.points.flatMap((point) => keys.map((key) => point[key])));
  const dashed = { borderDash: [6, 4], borderWidth: 1.5, pointRadius: 2 };
  const dotted = { borderDash: [2, 3], borderWidth: 1.5, pointRadius: 2 };

  const connections = () => {
    const lines = data.connections;
    const values = xs(lines);
    const x = () => axis("connections", { ticks: { ...(values.length <= 12 && { values }), callback: (n) => spell(n) } });
    sweep("connections-rate", lines, [[(point) => point.rate?.mean, "", {}], [(point) => point.then, data.then, dashed]],
      x(), axis("req/s", { beginAtZero: true, ticks: { callback: (n) => spell(n) } }), rate);
    sweep("connections-p99", lines, [[(point) => point.p99_ms, "", {}]],
      x(), log("p99", ms, all(lines, "p99_ms")), ms);
  };

  const rates = () => {
    const lines = data.rates;
    const x = () => axis("requests per second asked for", { ticks: { maxRotation: 0, callback: (n) => spell(n) } });
    const from = (chart) => chart.scales.x;
    sweep("sweep-rate", lines, [[(point) => point.rate?.mean, "", {}]], x(), axis("answers per second", { beginAtZero: true, ticks: { callback: (n) => spell(n) } }), rate);
    const chart = charts.get(one("sweep-rate"));
    const { min, max } = from(chart);
    chart.data.datasets.push({ row: "", label: "asked for", quiet: true, data: [{ x: min, y: min }, { x: max, y: max }],
      borderColor: colour("soft"), borderWidth: 1, pointRadius: 0 });
    chart.options.plugins.legend.labels.filter = (item, all) => !all.datasets[item.datasetIndex].quiet;
    chart.options.plugins.tooltip.filter = (item) => item.dataset.row !== "";
    chart.update();
    sweep("sweep-time", lines, [[(point) => point.p50_ms, "", {}], [(point) => point.p99_ms, "p99", dotted]],
      x(), log("response time", ms, all(lines, "p50_ms", "p99_ms")), ms);
    sweep("sweep-errors", lines, [[(point) => point.errors, "", {}]],
      x(), axis("errors", { min: 0, suggestedMax: .01, ticks: { callback: percent } }), percent);
  };

  const resources = () => {
    const rows = data.bars[one("resources-group").selectedIndex].rows;
    const time = (us) => us >= 1000 ? `${spell(us / 1000)} ms` : `${spell(us)} µs`;
    bars(one("resources-cpu"), rows, "cpu_us", "µs per request", time);
    bars(one("resources-memory"), rows, "mib", "MiB", (mib) => `${spell(mib)} MiB`);
  };

  const rate_charts = () => {
    const place = one("rate-charts");
    if (!place.childElementCount) {
      for (const group of data.bars.filter((group) => group.rows.some((row) => row.rate))) {
        const figure = document.createElement("figure");
        const caption = document.createElement("figcaption");
        const plot = document.createElement("div");
        const canvas = document.createElement("canvas");
        caption.textContent = group.name;
        plot.className = "plot";
        canvas.setAttribute("role", "img");
        canvas.setAttribute("aria-label", `Requests per second, ${group.name}; the table of all figures has them`);
        plot.append(canvas);
        figure.append(caption, plot);
        place.append(figure);
        canvas.rows = group.rows;
      }
    }
    place.querySelectorAll("canvas").forEach((canvas) => bars(canvas, canvas.rows, "rate", "requests per second", rate, true));
  };

  const parts = [["rate-charts", rate_charts], ["latency-chart", latency], ["connections-rate", connections], ["sweep-rate", rates], ["resources-cpu", resources]];
  const redraw = () => {
    Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
    parts.forEach(([id, part]) => one(id) && part());
  };

  const choices = (id, list, part) => {
    if (!one(id)) return;
    list.forEach(({ name }) => one(id).append(new Option(name)));
    one(id).parentElement.parentElement.hidden = list.length < 2;
    one(id).addEventListener("change", part);
  };

  // The theme: the system's, until it is chosen. A page from a file may have no storage.
  const dark = matchMedia("(prefers-color-scheme: dark)");
  let chosen = null;
  try { chosen = localStorage.getItem("theme"); } catch { /* the system's */ }
  const theme = (name) => { root.dataset.theme = name; root.style.colorScheme = name; redraw(); };
  const current = () => chosen ?? (dark.matches ? "dark" : "light");
  dark.addEventListener("change", () => theme(current()));
  one("theme").addEventListener("click", () => {
    chosen = current() === "dark" ? "light" : "dark";
    try { localStorage.setItem("theme", chosen); } catch { /* until the page is left */ }
    theme(chosen);
  });
  addEventListener("beforeprint", () => theme("light"));
  addEventListener("afterprint", () => theme(current()));
  let was = narrow();
  addEventListener("resize", () => { if (narrow() !== was) { was = narrow(); redraw(); } });

  // The table of all figures.
  const body = one("table").tBodies[0];
  const lines = [...body.rows];
  lines.forEach((line) => { line.words = line.textContent.toLowerCase(); });
  one("filter").addEventListener("input", () => {
    const words = one("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
    lines.forEach((line) => { line.hidden = !words.every((word) => line.words.includes(word)); });
    one("shown").value = `${lines.filter((line) => !line.hidden).length} of ${lines.length} rows`;
  });
  const heads = [...one("table").tHead.rows[0].cells];
  heads.forEach((head, at) => head.querySelector("button")?.addEventListener("click", () => {
    const numbers = lines[0]?.cells[at].classList.contains("n");
    const turn = head.ariaSort === "none" ? (numbers ? "descending" : "ascending") : head.ariaSort === "ascending" ? "descending" : "ascending";
    heads.forEach((other) => { if (other.ariaSort) other.ariaSort = other === head ? turn : "none"; });
    const up = turn === "ascending" ? 1 : -1;
    const value = (line) => line.cells[at].dataset.v;
    // What has no figure stays at the end either way.
    const order = (a, b) => {
      const [x, y] = [value(a), value(b)];
      if (x === "" || y === "") return (x === "") - (y === "");
      return up * (numbers ? x - y : x.localeCompare(y));
    };
    body.append(...[...lines].sort(order));
  }));

  choices("latency-group", data.latency, latency);
  choices("resources-group", data.bars, resources);
  theme(current());
})();
