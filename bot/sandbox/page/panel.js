/** What may go wrong on purpose, how much of the edit budget is used, and how fast the time goes. */

import { notify } from "./announce.js";
import { act } from "./control.js";
import { arrange, el, patchChildren, svg } from "./dom.js";
import { presets, title } from "./presets.js";

const MINUTE = 60;
const BARS = 30;
const SPEEDS = [
  [0, "Stopped"],
  [1, "Real time"],
  [10, "10 times"],
  [60, "60 times"],
];
const HOW_OFTEN = [
  ["once", "Once"],
  ["half", "Every other time"],
  ["always", "Always"],
];
const EDITS = "chat.update";

export class Panel {
  /** @param {HTMLElement} root @param {() => void} close */
  constructor(root, close) {
    this.root = root;
    this.bars = svg("svg", { class: "bars", viewBox: `0 0 ${BARS * 10} 40`, "aria-hidden": "true" });
    this.budget = el("p", { class: "budget" });
    this.active = el("ul", { class: "plans" });
    this.clear = el("button", { type: "button", class: "button", onclick: () => attempt("faults/clear") }, "Clear all");
    this.often = el(
      "select",
      {},
      HOW_OFTEN.map(([value, name]) => el("option", { value }, name)),
    );
    this.speeds = el(
      "div",
      { class: "speeds" },
      SPEEDS.map(([speed, name]) =>
        el("label", {}, el("input", { type: "radio", name: "speed", value: speed }), el("span", {}, name)),
      ),
    );
    this.time = el("output");
    this.app = el("p");
    this.install = el("button", {
      type: "button",
      class: "button",
      onclick: () => attempt(this.installed ? "uninstall" : "install"),
    });
    root.append(
      el(
        "header",
        { class: "pane-head" },
        el("h2", {}, "Faults and limits"),
        el("button", { type: "button", class: "button", onclick: close }, "Close"),
      ),
      el("div", { class: "panel-body" }, this.#edits(), this.#faults(), this.#clock(), this.#connections()),
    );
    this.speeds.addEventListener("change", (event) => attempt("clock", { speed: Number(event.target.value) }));
  }

  #edits() {
    const rest = el("details", {}, el("summary", {}, "All calls this minute"), el("table", {}, el("tbody")));
    this.calls = rest.querySelector("tbody");
    return section("Edit budget this minute", this.budget, this.bars, rest);
  }

  #faults() {
    const groups = Object.entries(presets).map(([name, list]) =>
      el(
        "div",
        { role: "group", "aria-label": name },
        el("h4", {}, name),
        el(
          "div",
          { class: "presets" },
          list.map((preset) =>
            el(
              "button",
              { type: "button", class: "button", title: preset.about, onclick: () => this.#add(preset) },
              preset.name,
            ),
          ),
        ),
      ),
    );
    return section(
      "Faults",
      el("label", { class: "often" }, "Let it happen ", this.often),
      groups,
      el("h4", {}, "Switched on"),
      this.active,
      this.clear,
    );
  }

  #clock() {
    const skip = (seconds, name) =>
      el("button", { type: "button", class: "button", onclick: () => attempt("clock", { advance: seconds }) }, name);
    return section(
      "Clock",
      el("p", {}, "Limits, expiries, redeliveries and Claude's pace go by it: ", this.time),
      this.speeds,
      el("div", { class: "presets" }, skip(MINUTE, "Skip a minute"), skip(300, "Skip five")),
    );
  }

  #connections() {
    return section(
      "App",
      this.app,
      el(
        "div",
        { class: "presets" },
        this.install,
        el(
          "button",
          { type: "button", class: "button", onclick: () => attempt("reconnect") },
          "Refresh its connections",
        ),
      ),
    );
  }

  /** @param {import("./state.js").State} state */
  draw(state) {
    if (this.root.hidden) return;
    this.state = state;
    this.#drawFaults(state.faults);
    for (const choice of this.speeds.querySelectorAll("input"))
      choice.checked = Number(choice.value) === state.clock.speed;
    this.installed = state.installed;
    this.install.textContent = state.installed ? "Uninstall it" : "Install it again";
    const sockets = state.sockets === 1 ? "1 connection" : `${state.sockets} connections`;
    this.app.textContent = state.installed
      ? `Installed, with ${sockets} in Socket Mode.`
      : "Not installed: its tokens do not work.";
    this.tick();
  }

  /** What changes by itself as time goes by. */
  tick() {
    if (this.root.hidden || !this.state) return;
    const now = this.state.now();
    this.time.textContent = new Date(now * 1000).toLocaleTimeString();
    const { calls, limit } = used(this.state.usage.get(EDITS), now);
    this.budget.replaceChildren(el("strong", {}, String(calls.length)), ` of ${limit} edits (${EDITS})`);
    patchChildren(this.bars, bars(calls, now));
    const busy = [...this.state.usage.values()]
      .map((one) => ({ ...used(one, now), method: one.method }))
      .filter((one) => one.count);
    patchChildren(
      this.calls,
      busy.map((one) =>
        el(
          "tr",
          {},
          el("th", { scope: "row" }, one.method),
          el("td", { class: "to-end" }, `${one.count} of ${one.limit}`),
        ),
      ),
    );
  }

  #drawFaults(plans) {
    const rows = plans
      .filter((plan) => plan.kind !== "none")
      .map((plan) => {
        const often =
          plan.left === null
            ? plan.probability < 1
              ? `${Math.round(plan.probability * 100)} % of the time`
              : "always"
            : plan.left === 1
              ? "once"
              : `${plan.left} times`;
        return el("li", {}, el("strong", {}, title(plan)), el("small", {}, ` ${plan.route}, ${often}`));
      });
    arrange(this.active, rows.length ? rows : [el("li", { class: "about" }, "Nothing: all goes well.")]);
    this.clear.disabled = !plans.length;
  }

  #add({ route, kind, params }) {
    const often = { once: { times: 1 }, half: { probability: 0.5 }, always: {} }[this.often.value];
    attempt("faults", { route, kind, params, ...often });
  }
}

/** A bar for every two seconds of the minute, the newest on the right. */
function bars(calls, now) {
  return Array.from({ length: BARS }, (_, number) => {
    const age = ((BARS - 1 - number) * MINUTE) / BARS;
    const count = calls.filter((at) => now - at >= age && now - at < age + MINUTE / BARS).length;
    const height = Math.min(40, 1 + count * 6);
    return svg("rect", {
      class: count ? "fill-0" : "grid",
      x: number * 10 + 1,
      y: 40 - height,
      width: 8,
      height,
      rx: 1.5,
    });
  });
}

/** The calls that still count, and how many there are. */
function used(usage, now) {
  const calls = (usage?.calls ?? []).filter((at) => now - at < MINUTE);
  const more = calls.length && calls.length === usage.calls.length ? usage.used - usage.calls.length : 0;
  return { calls, count: calls.length + more, limit: usage?.limit ?? 0 };
}

function section(name, ...content) {
  return el("section", {}, el("h3", {}, name), content);
}

async function attempt(action, given = {}) {
  try {
    await act(action, given);
  } catch (problem) {
    notify(problem.message);
  }
}
