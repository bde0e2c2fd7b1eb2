/** A list of messages: drawn anew only where something changed, followed at its end, walked with the arrow keys. */

import { notify } from "./announce.js";
import { act } from "./control.js";
import { arrange, el, patch } from "./dom.js";
import { icon } from "./icons.js";
import { listen } from "./interact.js";
import { drawMessage, statusText } from "./message.js";

const NEAR_END = 60;
const TOGETHER_SECONDS = 300;
const SHOWN_AT_FIRST = 150;
const DAY = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long" });

export class MessageList {
  /**
   * @param {HTMLElement} root gets the list
   * @param {object} options
   * @param {string} options.label
   * @param {boolean} options.inThread
   * @param {(ts: string) => void} [options.openThread]
   * @param {() => void} options.leave what comes after the list: focus goes there
   * @param {() => void} options.redraw
   */
  constructor(root, options) {
    this.options = options;
    this.items = new Map();
    this.following = true;
    this.editing = "";
    this.limit = SHOWN_AT_FIRST;
    this.list = el("ol", { class: "messages", "aria-label": options.label });
    this.scroller = el("div", { class: "scroller" }, this.list);
    this.jump = el(
      "button",
      { type: "button", class: "jump", hidden: true, onclick: () => this.toEnd() },
      icon("down"),
      "Latest",
    );
    root.append(this.scroller, this.jump);
    this.scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    new ResizeObserver(() => this.#follow()).observe(this.list);
    new ResizeObserver(() => this.#follow()).observe(this.scroller);
    this.list.addEventListener("click", (event) => this.#clicked(event));
    this.list.addEventListener("submit", (event) => this.#save(event));
    this.list.addEventListener("keydown", (event) => this.#key(event));
    listen(this.list, (target) => this.#held(target));
  }

  /**
   * @param {string} key what is shown; another one begins at its end
   * @param {any[]} messages
   * @param {import("./blocks.js").Context} context
   * @param {{status?: any, intro?: () => Node}} more `intro` stands before the first message
   */
  draw(key, messages, context, { status, intro } = {}) {
    if (key !== this.key) this.#begin(key);
    this.context = context;
    const hidden = Math.max(0, messages.length - this.limit);
    const nodes = hidden ? [this.#node("earlier", () => this.#earlier(hidden), hidden)] : [];
    if (intro && !hidden)
      nodes.push(this.#node("intro", () => el("li", { class: "intro" }, intro()), !messages.length));
    let before = null;
    for (const message of messages.slice(hidden)) {
      const day = DAY.format(new Date(Number(message.ts) * 1000));
      if (day !== before?.day && !this.options.inThread)
        nodes.push(this.#node(`day ${day}`, () => el("li", { class: "day" }, el("span", {}, day))));
      const compact = day === before?.day && together(before.message, message);
      nodes.push(this.#message(message, compact));
      before = { day, message };
    }
    if (status) nodes.push(this.#node("status", () => thinking(status, context.state), status));
    arrange(this.list, nodes);
    this.#forget(nodes);
    this.#rove();
    this.#follow();
  }

  toEnd() {
    this.following = true;
    this.#follow();
  }

  /** Focus the newest message, or the one with that ts. */
  focus(ts) {
    const node = this.items.get(ts)?.node ?? this.#messages().at(-1);
    node?.focus();
  }

  #begin(key) {
    this.key = key;
    this.items.clear();
    this.editing = "";
    this.current = "";
    this.limit = SHOWN_AT_FIRST;
    this.following = true;
  }

  #message(message, compact) {
    const { state, person } = this.context;
    const editing = this.editing === message.ts;
    const replies = this.options.inThread ? [] : state.replies(message.channel, message.ts);
    const status = this.options.inThread ? null : state.status(message.channel, message.ts);
    const thread = [replies.length, replies.at(-1)?.ts, status?.status];
    const look = [
      person.id,
      person.is_admin,
      compact,
      editing,
      state.feedback.get(message.ts),
      state.people.size,
      ...thread,
    ].join();
    const known = this.items.get(message.ts);
    if (known?.message === message && known.look === look) return known.node;
    const fresh = drawMessage(message, { ...this.context, compact, editing, inThread: this.options.inThread });
    const node = known ? patch(known.node, fresh) : fresh;
    this.items.set(message.ts, { node, message, look, editing });
    if (editing && !known?.editing) queueMicrotask(() => node.querySelector("textarea")?.focus());
    return node;
  }

  #node(key, make, what = null) {
    const known = this.items.get(key);
    if (known && known.message === what) return known.node;
    const node = known ? patch(known.node, make()) : make();
    this.items.set(key, { node, message: what, look: "" });
    return node;
  }

  #forget(nodes) {
    const shown = new Set(nodes);
    for (const [key, { node }] of this.items) if (!shown.has(node)) this.items.delete(key);
  }

  #earlier(hidden) {
    const more = () => {
      this.limit += SHOWN_AT_FIRST * 2;
      this.following = false;
      this.options.redraw();
    };
    return el(
      "li",
      { class: "earlier" },
      el("button", { type: "button", class: "button", onclick: more }, `Show earlier messages (${hidden})`),
    );
  }

  #messages() {
    return [...this.list.querySelectorAll(":scope > [data-ts]")];
  }

  /** One message can be reached with Tab: the one that had focus, or the newest. */
  #rove() {
    const messages = this.#messages();
    const reachable = messages.find((node) => node.dataset.ts === this.current) ?? messages.at(-1);
    for (const node of messages) node.tabIndex = node === reachable ? 0 : -1;
  }

  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.scroller;
    this.following = scrollHeight - scrollTop - clientHeight < NEAR_END;
    this.jump.hidden = this.following;
  }

  #follow() {
    if (this.following) this.scroller.scrollTop = this.scroller.scrollHeight;
    this.jump.hidden = this.following;
  }

  #held(target) {
    const message = this.items.get(target.closest("[data-ts]")?.dataset.ts)?.message;
    if (!message) return null;
    const { state, person } = this.context;
    const onFeedback = (value) => {
      state.feedback.set(message.ts, value);
      this.options.redraw();
    };
    return {
      user: person.id,
      blocks: message.blocks ?? [],
      address: { channel: message.channel, ts: message.ts },
      onFeedback,
    };
  }

  #clicked(event) {
    const button = event.target.closest("[data-do]");
    const ts = event.target.closest("[data-ts]")?.dataset.ts;
    if (!button || !ts) return;
    const { channel } = this.items.get(ts).message;
    const what = { user: this.context.person.id, channel, ts };
    switch (button.dataset.do) {
      case "thread":
        return this.options.openThread(ts);
      case "react":
        return attempt("react", { ...what, name: button.value });
      case "delete":
        return attempt("delete", what);
      case "dismiss":
        this.context.state.dismissed.add(ts);
        return this.options.redraw();
      case "edit":
        return this.#edit(ts);
      case "cancel":
        this.#edit("");
        return this.focus(ts);
    }
  }

  #edit(ts) {
    this.editing = ts;
    this.options.redraw();
  }

  async #save(event) {
    event.preventDefault();
    const ts = event.target.closest("[data-ts]").dataset.ts;
    const text = event.target.elements.text.value.trim();
    const { channel } = this.items.get(ts).message;
    if (text) await attempt("edit", { user: this.context.person.id, channel, ts, text });
    this.#edit("");
    this.focus(ts);
  }

  #key(event) {
    const editing = event.target.closest(".editor");
    if (editing && event.key === "Escape") {
      event.stopPropagation();
      const { ts } = event.target.closest("[data-ts]").dataset;
      this.#edit("");
      return this.focus(ts);
    }
    if (editing && event.key === "Enter" && !event.shiftKey && event.target.nodeName === "TEXTAREA") {
      event.preventDefault();
      return editing.requestSubmit();
    }
    if (event.key === "Escape" && !this.options.inThread) return this.options.leave();
    if (!event.target.matches("[data-ts]")) return;
    const messages = this.#messages();
    const place = messages.indexOf(event.target);
    const next = { ArrowUp: place - 1, ArrowDown: place + 1, Home: 0, End: messages.length - 1 }[event.key];
    if (next !== undefined) {
      event.preventDefault();
      if (next >= messages.length) return this.options.leave();
      this.current = messages[Math.max(0, next)].dataset.ts;
      this.#rove();
      messages[Math.max(0, next)].focus();
    } else if (event.key === "Enter" && !this.options.inThread) {
      event.preventDefault();
      this.options.openThread(event.target.dataset.ts);
    }
  }
}

/** Whether the later message can do without saying again who wrote it. */
function together(before, message) {
  if (before.user !== message.user || before.only_for || message.only_for || before.subtype === "tombstone")
    return false;
  return Number(message.ts) - Number(before.ts) < TOGETHER_SECONDS;
}

function thinking(status, state) {
  const text = statusText(status, state);
  const notes = status.loading_messages ?? [];
  return el(
    "li",
    { class: "thinking" },
    el("span", { class: "dots", "aria-hidden": "true" }, el("i"), el("i"), el("i")),
    el("span", {}, notes.length ? `${text} ${notes[0]}` : text),
  );
}

async function attempt(action, given) {
  try {
    await act(action, given);
  } catch (problem) {
    notify(problem.message);
  }
}
