/** data_visualization blocks as SVG: https://docs.slack.dev/reference/block-kit/blocks/data-visualization-block */

import { el, fingerprint, svg } from "./dom.js";
import { scrollable } from "./markdown.js";

const WIDTH = 480;
const HEIGHT = 240;
const LEFT = 52;
const RIGHT = 8;
const TOP = 10;
const TICKS = 4;

/** The chart with its legend, and its numbers as a table for whoever wants to read them. */
export function chart(block) {
  const { chart: given, title } = block;
  const isPie = given.type === "pie";
  const series = isPie ? [{ name: title, data: given.segments }] : given.series;
  const categories = isPie ? given.segments.map((one) => one.label) : given.axis_config.categories;
  const legend = isPie ? categories : series.map((one) => one.name);
  const drawn = isPie ? pie(given.segments) : axes(given, categories, series);
  const picture = svg(
    "svg",
    {
      viewBox: isPie ? "0 0 220 220" : `0 0 ${WIDTH} ${HEIGHT + bottom(given)}`,
      role: "img",
      "aria-label": `${title}: ${given.type} chart`,
    },
    drawn,
  );
  return el(
    "figure",
    { class: `chart chart-${given.type}`, "data-from": fingerprint(block) },
    el("figcaption", {}, title),
    el(
      "div",
      { class: "chart-body" },
      picture,
      isPie || legend.length > 1 ? el("ul", { class: "legend" }, legend.map(key)) : null,
    ),
    el("details", {}, el("summary", {}, "Numbers"), numbers(isPie, categories, series)),
  );
}

function key(name, number) {
  return el(
    "li",
    {},
    svg(
      "svg",
      { viewBox: "0 0 10 10", "aria-hidden": "true" },
      svg("rect", { class: `fill-${number}`, width: 10, height: 10, rx: 2 }),
    ),
    name,
  );
}

function numbers(isPie, categories, series) {
  const names = isPie ? ["Value"] : series.map((one) => one.name);
  const head = el(
    "tr",
    {},
    el("td"),
    names.map((name) => el("th", { scope: "col", class: "to-end" }, name)),
  );
  const rows = categories.map((category) =>
    el(
      "tr",
      {},
      el("th", { scope: "row" }, category),
      series.map((one) => el("td", { class: "to-end" }, String(valueOf(one, category)))),
    ),
  );
  return scrollable(el("table", {}, el("thead", {}, head), el("tbody", {}, rows)), "Numbers of the chart");
}

function valueOf(series, category) {
  return series.data.find((point) => point.label === category)?.value ?? 0;
}

function bottom(given) {
  return given.axis_config.x_label ? 40 : 24;
}

function axes(given, categories, series) {
  const all = series.flatMap((one) => categories.map((category) => valueOf(one, category)));
  const [low, high, step] = scale(Math.min(0, ...all), Math.max(0, ...all));
  const y = (value) => TOP + ((high - value) / (high - low)) * (HEIGHT - TOP);
  const band = (WIDTH - LEFT - RIGHT) / categories.length;
  const x = (number) => LEFT + band * (number + 0.5);
  const every = Math.ceil(categories.length / 8);
  const lines = [];
  for (let value = low; value <= high + step / 2; value += step) {
    lines.push(
      svg("line", {
        class: Math.abs(value) < step / 1e6 ? "axis" : "grid",
        x1: LEFT,
        x2: WIDTH - RIGHT,
        y1: y(value),
        y2: y(value),
      }),
    );
    lines.push(svg("text", { x: LEFT - 6, y: y(value) + 3.5, "text-anchor": "end" }, short(value)));
  }
  const longest = Math.max(3, Math.floor((band * every) / 6));
  const labels = categories.map((name, n) =>
    n % every ? null : svg("text", { x: x(n), y: HEIGHT + 16, "text-anchor": "middle" }, cut(name, longest)),
  );
  const { x_label: below, y_label: beside } = given.axis_config;
  const named = [
    below &&
      svg(
        "text",
        { class: "axis-label", x: (LEFT + WIDTH - RIGHT) / 2, y: HEIGHT + 34, "text-anchor": "middle" },
        below,
      ),
    beside &&
      svg(
        "text",
        {
          class: "axis-label",
          x: 0,
          y: 0,
          transform: `translate(10 ${HEIGHT / 2}) rotate(-90)`,
          "text-anchor": "middle",
        },
        beside,
      ),
  ];
  const draw = given.type === "bar" ? bars : curves;
  return [lines, labels, named, draw(given.type, categories, series, { x, y, band })];
}

function bars(_, categories, series, { x, y, band }) {
  const width = (band * 0.7) / series.length;
  return series.flatMap((one, number) =>
    categories.map((category, n) => {
      const value = valueOf(one, category);
      const left = x(n) - band * 0.35 + width * number;
      const top = y(Math.max(0, value));
      const height = Math.max(0.5, Math.abs(y(value) - y(0)));
      return svg(
        "rect",
        {
          class: `fill-${number}`,
          x: left.toFixed(1),
          y: top.toFixed(1),
          width: Math.max(1, width - 1).toFixed(1),
          height: height.toFixed(1),
          rx: 2,
        },
        named(one.name, category, value),
      );
    }),
  );
}

function curves(type, categories, series, { x, y }) {
  return series.map((one, number) => {
    const points = categories.map((category, n) => [x(n), y(valueOf(one, category)), category]);
    const path = points.map(([left, top], n) => `${n ? "L" : "M"}${left.toFixed(1)} ${top.toFixed(1)}`).join("");
    const ends = `L${points.at(-1)[0].toFixed(1)} ${y(0).toFixed(1)}L${points[0][0].toFixed(1)} ${y(0).toFixed(1)}Z`;
    return svg(
      "g",
      {},
      type === "area" ? svg("path", { class: `area fill-${number}`, d: path + ends }) : null,
      svg("path", { class: `line stroke-${number}`, d: path }),
      points.map(([left, top, category]) =>
        svg(
          "circle",
          { class: `fill-${number}`, cx: left.toFixed(1), cy: top.toFixed(1), r: 3 },
          named(one.name, category, valueOf(one, category)),
        ),
      ),
    );
  });
}

function pie(segments) {
  const total = segments.reduce((sum, one) => sum + one.value, 0) || 1;
  let turned = 0;
  return segments.map((one, number) => {
    const share = one.value / total;
    const [from, to] = [turned, (turned += share)];
    const title = named(one.label, `${Math.round(share * 100)} %`, one.value);
    if (share > 0.9999) return svg("circle", { class: `slice fill-${number}`, cx: 110, cy: 110, r: 100 }, title);
    const [startX, startY] = onCircle(from);
    const [endX, endY] = onCircle(to);
    return svg(
      "path",
      {
        class: `slice fill-${number}`,
        d: `M110 110L${startX} ${startY}A100 100 0 ${share > 0.5 ? 1 : 0} 1 ${endX} ${endY}Z`,
      },
      title,
    );
  });
}

function onCircle(turn) {
  const angle = turn * 2 * Math.PI - Math.PI / 2;
  return [110 + 100 * Math.cos(angle), 110 + 100 * Math.sin(angle)].map((number) => number.toFixed(2));
}

function named(name, category, value) {
  return svg("title", {}, `${name}, ${category}: ${value.toLocaleString("en", { maximumFractionDigits: 6 })}`);
}

/** Round ends and step of an axis that holds both values. */
function scale(least, most) {
  const span = most - least || 1;
  const rough = span / TICKS;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough * 0.999);
  return [Math.floor(least / step) * step, Math.ceil(most / step - 1e-9) * step || step, step];
}

function short(value) {
  const digits = Math.abs(value) < 1 ? { maximumSignificantDigits: 2 } : { maximumFractionDigits: 2 };
  return new Intl.NumberFormat("en", { notation: "compact", ...digits }).format(Math.abs(value) < 1e-12 ? 0 : value);
}

function cut(name, length) {
  return [...name].length > length ? `${[...name].slice(0, length - 1).join("")}…` : name;
}
