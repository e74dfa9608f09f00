/* Live figures: every <figure data-live> of a page is drawn from the data in it (Panel.as_json of devicekit.plot).
 * Drag to zoom, double-click to see all, values under the pointer; by keyboard: arrows, + and -, Escape.
 * The picture that was there stays for print. devicekitFigures(root) draws what a page has inserted later. */
"use strict";
(() => {
  const FONT = "12px system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";
  const NEAR = 40; // px, from pointer to point
  const DASHES = {solid: [], dashed: [6, 4], dotted: [2, 3], dashdot: [6, 3, 2, 3]};
  const HINT = matchMedia("(hover: none)").matches ? "Tap near a point for its values" : "Drag to zoom, double-click to see all";
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const page = document.documentElement, all = page.classList;
  const charts = new Set();

  const short = (value, digits) => {
    const size = Math.abs(value);
    if (value === 0 || (size >= 1e-3 && size < 1e5)) return String(Number(value.toPrecision(digits)));
    const [mantissa, power] = Number(value.toPrecision(digits)).toExponential().split("e");
    const raised = [...String(Number(power))].map(c => (c === "-" ? "⁻" : "⁰¹²³⁴⁵⁶⁷⁸⁹"[c])).join("");
    return mantissa === "1" ? `10${raised}` : `${mantissa}·10${raised}`;
  };
  /* A number with its unit and prefix: 0.001 A is 1 mA; seconds and metres have none above 1. */
  const prefixed = (value, unit, digits) => {
    if (value === 0) return `0 ${unit}`;
    const power = 3 * Math.floor(Math.log10(Math.abs(Number(value.toPrecision(digits)))) / 3);
    const own = unit === "V" && power >= -3 ? 0 : Math.max(-15, Math.min(power, unit === "s" || unit === "m" ? 0 : 9));
    return `${short(value / 10 ** own, digits)} ${"fpnµm kMG"[own / 3 + 5].trim()}${unit}`;
  };
  const css = name => getComputedStyle(page).getPropertyValue(name).trim() || "#808080";
  const make = (tag, name, text) => {
    const made = document.createElement(tag);
    if (name) made.className = name;
    if (text) made.textContent = text;
    return made;
  };
  const wrapped = (text, most, wide) => {
    const lines = [""];
    for (const word of text.split(" ")) {
      if ((lines.at(-1) + word).length > wide && lines.at(-1)) lines.push("");
      lines[lines.length - 1] += (lines.at(-1) ? " " : "") + (word.length > wide + 2 ? `${word.slice(0, wide)}…` : word);
    }
    return lines.length > most ? `${lines.slice(0, most).join("\n")} …` : lines.join("\n");
  };

  class Chart {
    constructor(figure, panel) {
      panel.curves.forEach((curve, n) => (curve.id = n));
      Object.assign(this, {figure, panel, given: panel, hidden: new Set(), view: null, at: null});
      const picture = figure.querySelector("img");
      this.box = make("div", "chart");
      this.box.tabIndex = 0;
      this.box.setAttribute("role", "group");
      const alt = (picture && picture.alt) || figure.getAttribute("aria-label") || panel.title || "Figure";
      this.box.setAttribute("aria-label", `${alt}. Arrow keys tell values, plus and minus zoom, Escape shows all.`);
      if (panel.title) this.box.append(make("p", "chart-title", panel.title));
      this.box.append(this.keys());
      this.plot = this.box.appendChild(make("div", "plot"));
      const foot = this.box.appendChild(make("p", "told"));
      this.said = foot.appendChild(make("output", "", HINT));
      this.whole = foot.appendChild(make("button", "all", "See all"));
      this.whole.type = "button";
      this.whole.hidden = true;
      this.whole.addEventListener("click", () => this.zoom(null));
      figure.insertBefore(this.box, picture || figure.firstChild);
      figure.classList.add("live");
      if (all.contains("turned")) this.panel = turned(panel);
      this.draw();
      this.box.addEventListener("keydown", event => this.press(event));
      new ResizeObserver(() => this.fit()).observe(this.plot);
    }

    /* The legend: one button a curve, which hides it. */
    keys() {
      const row = make("div", "keys");
      for (const curve of this.panel.legend ? this.panel.curves.filter(each => each.legend) : []) {
        const key = row.appendChild(make("button", "", curve.name));
        key.type = "button";
        key.setAttribute("aria-pressed", "true");
        const mark = make("span", `key ${curve.kind === "band" ? "band" : curve.line || (curve.marker === "x" ? "cross" : "dots")}`);
        mark.style.setProperty("--on-light", curve.colour[0]);
        mark.style.setProperty("--on-dark", curve.colour[1]);
        if (curve.kind === "band") mark.style.opacity = Math.max(curve.alpha, 0.25);
        key.prepend(mark);
        key.addEventListener("click", () => {
          const shown = this.hidden.delete(curve.id) || !this.hidden.add(curve.id);
          key.setAttribute("aria-pressed", String(shown));
          this.u.redraw(false);
        });
      }
      const [label, low, high] = this.panel.bar || [];
      if (label) row.append(`${label}: ${low}`, make("span", "ramp"), high);
      return row;
    }

    size() {
      const width = Math.max(this.plot.clientWidth, 160);
      const most = this.figure.closest(".first") ? 480 : 1200;
      return {width, height: Math.min(Math.max(width * (this.panel.ratio || 0.65), 180), most)};
    }

    /* Show resistances instead of conductances, or back. */
    turn(on) {
      if (!this.given.x.other && !this.given.y.other) return;
      this.panel = on ? turned(this.given) : this.given;
      this.view = this.at = null;
      this.whole.hidden = true;
      this.said.textContent = HINT;
      this.u.destroy();
      this.draw();
    }

    /* Height of one of the named places of the vertical axis [px]. */
    row() {
      return (this.size().height - 50) / Math.max(this.panel.y.names.length, 1);
    }

    fit() {
      if (this.plot.clientWidth && this.plot.clientWidth !== this.u.width) this.u.setSize(this.size());
    }

    limits(which) {
      const [low, high] = (this.view && this.view[which]) || this.panel[which].range;
      return low < high ? [low, high] : [high, low];
    }

    draw() {
      const scale = which => {
        const axis = this.panel[which], [min, max] = this.limits(which);
        return {
          time: false, auto: false, min, max, distr: axis.log ? 3 : 1,
          dir: axis.range[0] > axis.range[1] ? -1 : 1, range: () => this.limits(which),
        };
      };
      const options = {
        ...this.size(), scales: {x: scale("x"), y: scale("y")}, legend: {show: false}, padding: [10, 14, 0, 0],
        series: [{}, {paths: () => null, points: {show: false}}],
        axes: [this.axis("x"), this.axis("y")],
        cursor: {
          points: {show: false}, drag: {x: true, y: true, uni: 30, setScale: false},
          bind: {dblclick: () => () => { this.zoom(null); return null; }},
        },
        hooks: {
          draw: [() => this.paint()],
          setCursor: [u => this.point(u.cursor.left, u.cursor.top)],
          setSelect: [u => this.select(u)],
        },
      };
      this.u = new uPlot(options, [this.limits("x"), this.limits("y")], this.plot);
      this.ring = this.u.over.appendChild(make("div", "ring"));
      this.ring.hidden = true;
    }

    axis(which) {
      const axis = this.panel[which], places = axis.names, down = which === "y";
      const wide = Math.max(16, Math.floor(this.size().width * (down ? 0.38 : 0.8 / Math.max(places.length, 1)) / 6.6));
      const lines = down ? Math.max(1, Math.min(3, Math.floor(this.row() / 15))) : 3;
      const write = v => (axis.decades ? prefixed(v, axis.unit, 6) : short(v, 6));
      const made = {
        scale: which, font: FONT, labelFont: FONT, labelSize: 18, stroke: () => css("--soft"),
        grid: {stroke: () => css("--line"), width: 1}, ticks: {stroke: () => css("--line"), width: 1, size: 4},
        label: axis.unit && !axis.decades ? `${axis.label} [${axis.unit}]` : axis.label, gap: 4, space: which === "x" ? 55 : 34,
        values: (u, splits) => splits.map(v => (v === null ? "" : places.length ? wrapped(places[v] || "", lines, wide) : write(v))),
      };
      if (!axis.label) made.labelSize = 0;
      if (which === "x") made.size = places.length ? 44 : 26;
      else {
        made.size = (u, values) => this.width(values);
        if (this.measure([made.label]) > this.size().height - 60) made.labelFont = FONT.replace("12px", "10px");
      }
      const each = down ? Math.ceil(13 / this.row()) : 1; // with too many places not every name is written
      if (places.length) made.splits = () => places.map((_, n) => n).filter(n => n % each === 0);
      else if (axis.log) Object.assign(made, {splits: (u, n, low, high) => decades(low, high), filter: (u, splits) => splits});
      else if (axis.whole) made.incrs = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 10000];
      return made;
    }

    /* Room for the labels of the vertical axis. */
    width(values) {
      return Math.ceil(Math.max(20, this.measure((values || [""]).flatMap(each => String(each).split("\n"))))) + 12;
    }

    measure(lines) {
      const ctx = document.createElement("canvas").getContext("2d");
      ctx.font = FONT;
      return Math.max(...lines.map(each => ctx.measureText(each).width));
    }

    /* Where values lie on the canvas, NaN where they have no place. */
    places(values, which, canvas = true) {
      const log = this.panel[which].log;
      return values.map(v => (v === null || (log && v <= 0) ? NaN : this.u.valToPos(v, which, canvas)));
    }

    array(index) {
      return index === null ? null : this.panel.arrays[index];
    }

    paint() {
      const {ctx, bbox} = this.u, r = uPlot.pxRatio, unit = {x: bbox.left, y: bbox.top};
      ctx.save();
      ctx.beginPath();
      ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
      ctx.clip();
      ctx.strokeStyle = ctx.fillStyle = css("--soft");
      ctx.lineWidth = r;
      for (const [which, value] of this.panel.lines) {
        const [at] = this.places([value], which), far = {x: bbox.left + bbox.width, y: bbox.top + bbox.height};
        line(ctx, which === "x" ? [[at, unit.y], [at, far.y]] : [[unit.x, at], [far.x, at]]);
      }
      const shown = this.panel.curves.filter(each => !this.hidden.has(each.id));
      for (const below of [true, false]) {
        shown.filter(each => (each.kind === "band") === below).forEach(each => this.curve(ctx, each, r));
      }
      ctx.restore();
      ctx.save();
      ctx.fillStyle = css("--ink");
      ctx.font = FONT.replace("12px", `${12 * r}px`);
      ctx.textAlign = "left";
      ctx.textBaseline = "middle";
      for (const [x, y, words] of this.panel.notes) {
        const [at] = this.places([x], "x"), [down] = this.places([y], "y");
        const room = ctx.canvas.width - ctx.measureText(words).width - 2 * r;
        if (at >= bbox.left - 1 && at <= bbox.left + bbox.width + 1) ctx.fillText(words, Math.min(at, room), down);
      }
      ctx.restore();
    }

    curve(ctx, curve, r) {
      const x = this.places(this.array(curve.x), "x");
      ctx.strokeStyle = ctx.fillStyle = curve.colour[dark.matches ? 1 : 0];
      ctx.globalAlpha = curve.alpha;
      ctx.lineWidth = 1.2 * curve.width * r;
      ctx.lineJoin = "round";
      const ends = ["low", "high"].map(name => this.array(curve[name]));
      const along = curve.kind === "across" || curve.kind === "bars" ? "x" : "y";
      const [low, high] = ends[0] && ends[1] ? ends.map(each => this.places(each, along)) : [null, null];
      if (curve.kind === "band") return band(ctx, x, low, high);
      const y = this.places(this.array(curve.y), "y");
      if (curve.kind === "bars") {
        const [zero, above, below] = [...this.places([0], "x"), ...this.places([-0.3, 0.3], "y")];
        x.forEach((at, n) => ctx.fillRect(zero, y[n] - Math.abs(below - above) / 2, at - zero, Math.abs(below - above)));
        ctx.strokeStyle = css("--ink");
      }
      if (curve.line && curve.kind !== "bars") {
        ctx.setLineDash(DASHES[curve.line].map(each => each * r));
        line(ctx, x.map((at, n) => [at, y[n]]));
        ctx.setLineDash([]);
      }
      if (low) x.forEach((at, n) => whisker(ctx, along === "y" ? [at, low[n], high[n]] : [y[n], low[n], high[n]], along, 3 * r));
      if (curve.marker && curve.kind !== "bars") {
        const size = 0.65 * (curve.marker === "." ? 0.7 : 1) * curve.size * r;
        x.forEach((at, n) => dot(ctx, curve.marker, at, y[n], size));
      }
    }

    /* The point nearest to the pointer [px within the plot], and its values. */
    point(left, top) {
      if (left < 0 || left === undefined) return this.tell(null);
      let best = null, least = NEAR;
      for (const curve of this.panel.curves) {
        if (!curve.told || this.hidden.has(curve.id)) continue;
        const x = this.places(this.array(curve.x), "x", false), y = this.places(this.array(curve.y), "y", false);
        x.forEach((at, n) => {
          const away = Math.hypot(at - left, y[n] - top);
          if (away < least) [best, least] = [{curve, n}, away];
        });
      }
      this.tell(best);
    }

    tell(at) {
      this.at = at;
      this.ring.hidden = !at;
      if (!at) return void (this.said.textContent = HINT);
      const {curve, n} = at, value = {x: this.array(curve.x)[n], y: this.array(curve.y)[n]};
      this.ring.style.left = `${this.places([value.x], "x", false)[0]}px`;
      this.ring.style.top = `${this.places([value.y], "y", false)[0]}px`;
      const words = which => {
        const {label, unit, names, decades} = this.panel[which];
        if (names.length) return names[Math.round(value[which])] || "";
        const along = curve.kind === "across" || curve.kind === "bars" ? "x" : "y";
        const [low, high] = ["low", "high"].map(name => this.array(curve[name]) && this.array(curve[name])[n]);
        const write = v => (decades ? prefixed(v, unit, 4) : short(v, 4));
        const span = which === along && low !== null && high !== null ? ` (${write(low)} to ${write(high)})` : "";
        return `${label} ${write(value[which])}${span}${unit && !decades ? ` ${unit}` : ""}`;
      };
      this.said.textContent = `${curve.name}: ${words("x")}; ${words("y")}`;
    }

    select(u) {
      const {left, top, width, height} = u.select;
      if (width < 3 && height < 3) return;
      u.setSelect({left: 0, top: 0, width: 0, height: 0}, false);
      const x = [u.posToVal(left, "x"), u.posToVal(left + width, "x")];
      const y = [u.posToVal(top + height, "y"), u.posToVal(top, "y")];
      this.zoom({x, y});
    }

    zoom(view) {
      this.view = view;
      this.whole.hidden = !view;
      this.u.batch(() => {
        for (const which of ["x", "y"]) {
          const [min, max] = this.limits(which);
          this.u.setScale(which, {min, max});
        }
      });
      this.tell(this.at);
    }

    press(event) {
      const told = this.panel.curves.filter(each => each.told && !this.hidden.has(each.id));
      const step = {ArrowRight: 1, ArrowLeft: -1}[event.key], turn = {ArrowUp: -1, ArrowDown: 1}[event.key];
      const much = {"+": 0.5, "-": 2}[event.key];
      if (event.target !== this.box || !(step || turn || much || event.key === "Escape")) return;
      event.preventDefault();
      if (event.key === "Escape") return this.zoom(null);
      if (much) return this.closer(much);
      if (!told.length) return;
      const now = this.at || {curve: told[0], n: step ? -step : 0}, place = Math.max(told.indexOf(now.curve), 0);
      const curve = told[(place + (turn || 0) + told.length) % told.length], last = this.array(curve.x).length - 1;
      this.tell({curve, n: Math.max(0, Math.min(now.n + (step || 0), last))});
    }

    /* Zoom by a factor about the point that is told, or the middle. */
    closer(factor) {
      const view = {};
      for (const which of ["x", "y"]) {
        const log = this.panel[which].log, [to, back] = log ? [Math.log10, v => 10 ** v] : [v => v, v => v];
        const [low, high] = this.limits(which).map(to);
        const own = this.at && this.array(this.at.curve[which])[this.at.n];
        const middle = own !== null && (!log || own > 0) ? to(own) : (low + high) / 2;
        view[which] = [back(middle - factor * (middle - low)), back(middle + factor * (high - middle))];
      }
      this.zoom(view);
    }
  }

  /* The figure with the other quantity on the axes that have one: a value there is `times` over that here. */
  function turned(panel) {
    const arrays = [...panel.arrays], axes = {x: panel.x.other || panel.x, y: panel.y.other || panel.y};
    const value = (v, which) => (!panel[which].other ? v : v > 0 ? axes[which].times / v : null);
    const put = (index, which, share) => {
      if (index === null) return null;
      return arrays.push(arrays[index].map(v => (v === null ? null : share ? 1 - v : value(v, which)))) - 1;
    };
    const curves = panel.curves.map(curve => {
      const along = curve.kind === "across" || curve.kind === "bars" ? "x" : "y";
      const ends = [put(curve.low, along), put(curve.high, along)];
      const [low, high] = panel[along].other ? ends.reverse() : ends;
      return {...curve, x: put(curve.x, "x"), y: put(curve.y, "y", panel.complement), low, high};
    });
    const lines = panel.lines.map(([which, v]) => [which, value(v, which)]);
    const notes = panel.notes.map(([x, y, words]) => [value(x, "x"), value(y, "y"), words]);
    return {...panel, ...axes, arrays, curves, lines, notes};
  }

  function decades(low, high) {
    const span = Math.log10(high / low), found = [];
    if (span < 0.5) {
      const raw = (high - low) / 4, unit = 10 ** Math.floor(Math.log10(raw));
      const step = [1, 2, 5, 10].map(each => each * unit).find(each => each >= raw);
      for (let v = Math.ceil(low / step) * step; v <= high; v += step) found.push(Number(v.toPrecision(12)));
      return found;
    }
    const each = Math.max(1, Math.ceil(span / 7));
    for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power += 1) {
      for (const times of span < 2 ? [1, 2, 5] : [1]) {
        const v = Number(`${times}e${power}`);
        if (v >= low && v <= high && power % each === 0) found.push(v);
      }
    }
    return found;
  }

  function line(ctx, points) {
    ctx.beginPath();
    let drawn = false;
    for (const [x, y] of points) {
      if (!Number.isFinite(x) || !Number.isFinite(y)) drawn = false;
      else if (drawn) ctx.lineTo(x, y);
      else [drawn] = [true, ctx.moveTo(x, y)];
    }
    ctx.stroke();
  }

  function band(ctx, x, low, high) {
    const known = n => [x[n], low[n], high[n]].every(Number.isFinite);
    for (let n = 0; n < x.length; n += 1) {
      if (!known(n)) continue;
      const first = n;
      while (n + 1 < x.length && known(n + 1)) n += 1;
      ctx.beginPath();
      for (let k = first; k <= n; k += 1) ctx.lineTo(x[k], low[k]);
      for (let k = n; k >= first; k -= 1) ctx.lineTo(x[k], high[k]);
      ctx.fill();
    }
  }

  function whisker(ctx, [at, low, high], along, cap) {
    const put = (a, b) => (along === "y" ? [a, b] : [b, a]);
    for (const end of [low, high]) line(ctx, [put(at - cap, end), put(at + cap, end)]);
    line(ctx, [put(at, low), put(at, high)]);
  }

  function dot(ctx, marker, x, y, size) {
    if (!Number.isFinite(x) || !Number.isFinite(y)) return;
    const corners = {
      s: [[-1, -1], [1, -1], [1, 1], [-1, 1]], D: [[0, -1.3], [1.3, 0], [0, 1.3], [-1.3, 0]],
      "^": [[0, -1.1], [1.1, 1], [-1.1, 1]], v: [[0, 1.1], [1.1, -1], [-1.1, -1]],
    }[marker];
    const put = ([a, b]) => [x + a * size, y + b * size];
    if (marker === "x") {
      line(ctx, [put([-1, -1]), put([1, 1])]);
      return line(ctx, [put([-1, 1]), put([1, -1])]);
    }
    ctx.beginPath();
    if (corners) corners.map(put).forEach(each => ctx.lineTo(...each));
    else ctx.arc(x, y, size, 0, 2 * Math.PI);
    ctx.fill();
  }

  dark.addEventListener("change", () => {
    for (const each of charts) each.box.isConnected ? each.u.redraw(false) : charts.delete(each);
  });

  const swap = each => [each.textContent, each.dataset.other] = [each.dataset.other, each.textContent];
  window.devicekitFigures = root => {
    for (const figure of (root || document).querySelectorAll("figure[data-live]:not(.live)")) {
      charts.add(new Chart(figure, JSON.parse(figure.querySelector('script[type="application/json"]').textContent)));
    }
    for (const button of (root || document).querySelectorAll("button.turn[hidden]")) {
      if (all.contains("turned")) swap(button);
      button.hidden = false;
    }
    if (window.devicekitPictures) window.devicekitPictures(root);
  };
  document.addEventListener("click", event => {
    const button = event.target.closest("button.turn");
    if (!button) return;
    const on = all.toggle("turned");
    document.querySelectorAll("button.turn").forEach(swap);
    for (const each of charts) each.turn(on);
  });
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", () => window.devicekitFigures());
  else window.devicekitFigures();
})();
