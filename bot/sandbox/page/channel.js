/** The middle of the page: a channel's messages, or the app's Home tab, and where to write. */

import { blocks } from "./blocks.js";
import { Composer } from "./composer.js";
import { el, patchChildren } from "./dom.js";
import { icon } from "./icons.js";
import { listen } from "./interact.js";
import { MessageList } from "./list.js";
import { nameOf } from "./people.js";
import { suggestions } from "./suggestions.js";

const STARTERS = [
  "What makes a commit message good?",
  "Explain prompt caching with a table.",
  "Write a haiku about rate limits.",
];

export class ChannelPane {
  /**
   * @param {HTMLElement} root
   * @param {object} page
   * @param {() => any[]} page.people who may be mentioned here
   * @param {(change: object) => void} page.go
   * @param {(ts: string, text: string) => void} page.onSent
   * @param {() => void} page.redraw
   */
  constructor(root, page) {
    this.page = page;
    this.heading = el("h1", { tabindex: "-1" });
    this.tabs = el("div", { class: "tabs", role: "group", "aria-label": "Tabs" });
    this.about = el("p", { class: "about" });
    const back = el(
      "button",
      {
        type: "button",
        class: "plain back",
        title: "All conversations",
        "aria-label": "All conversations",
        onclick: () => page.go({ channel: null }),
      },
      icon("back"),
    );
    this.messages = el("div", { class: "pane-body" });
    this.home = el("div", { class: "pane-body home", tabindex: "0", role: "region", "aria-label": "Home" });
    this.hints = el("div", { class: "suggestions" });
    root.append(
      el("header", { class: "pane-head" }, back, this.heading, this.tabs, this.about),
      this.home,
      this.messages,
    );
    this.list = new MessageList(this.messages, {
      label: "Messages",
      inThread: false,
      openThread: (ts) => page.go({ thread: ts, focus: "thread" }),
      leave: () => this.composer.focus(),
      redraw: page.redraw,
    });
    this.messages.append(this.hints);
    this.composer = new Composer(this.messages, {
      people: page.people,
      onSent: page.onSent,
      leave: () => this.list.focus(),
    });
    this.tabs.addEventListener("click", (event) => {
      const tab = event.target.closest("[data-tab]");
      if (tab) page.go({ home: tab.dataset.tab === "home" });
    });
    this.hints.addEventListener("click", (event) => {
      const hint = event.target.closest("[data-message]");
      if (hint) this.composer.write(hint.dataset.message);
    });
    this.messages.addEventListener("click", (event) => {
      const starter = event.target.closest("[data-starter]");
      if (starter) this.composer.write(starter.dataset.starter);
    });
    listen(
      this.home,
      () => this.view && { user: this.person.id, blocks: this.view.blocks, address: { view_id: this.view.id } },
    );
  }

  /** @param {import("./place.js").Place} place @param {import("./blocks.js").Context} context */
  draw({ channel, home }, context) {
    const { state, person } = context;
    const direct = channel.kind === "im";
    const name = direct ? state.bot.name : channel.name;
    patchChildren(
      this.heading,
      direct
        ? [document.createTextNode(name)]
        : [icon(channel.kind === "channel" ? "hash" : "lock"), document.createTextNode(name)],
    );
    patchChildren(this.tabs, direct ? [tab("messages", "Messages", !home), tab("home", "Home", home)] : []);
    this.about.textContent = direct
      ? ""
      : `${channel.members.length} members${channel.shared ? ", shared with another company" : ""}`;
    this.messages.hidden = home;
    this.home.hidden = !home;
    if (home) return this.#drawHome(context);
    const key = `${person.id}/${channel.id}`;
    const messages = state.inChannel(channel.id, person.id);
    this.list.draw(key, messages, context, { intro: () => welcome(channel, state, !messages.length) });
    patchChildren(this.hints, suggestions(state.suggestions(channel.id, "")));
    const to = direct ? `Message ${name}` : `Message #${name}`;
    this.composer.draw(
      { person, channel, thread: "" },
      channel.archived ? "This channel is archived" : to,
      !channel.archived,
    );
  }

  #drawHome(context) {
    this.person = context.person;
    this.view = context.state.homes.get(this.person.id);
    const nothing = el("p", { class: "empty" }, `${context.state.bot.name} shows nothing on its Home tab.`);
    patchChildren(
      this.home,
      this.view ? [el("div", { class: "home-view" }, blocks(this.view.blocks, context))] : [nothing],
    );
  }
}

function tab(name, label, current) {
  return el(
    "button",
    { type: "button", class: "tab", "data-tab": name, "aria-current": current ? "true" : null },
    label,
  );
}

function welcome(channel, state, isEmpty) {
  const direct = channel.kind === "im";
  const mention = direct ? "" : `@${state.bot.name} `;
  return el(
    "div",
    {},
    el(
      "p",
      { class: "heading heading-1" },
      direct ? `A conversation with ${state.bot.name}` : `The beginning of #${channel.name}`,
    ),
    el(
      "p",
      {},
      direct
        ? "Whatever you write here is answered in a thread."
        : [
            "Write ",
            el("strong", {}, `@${state.bot.name}`),
            " and a question: the answer grows in a thread while it is written.",
          ],
    ),
    isEmpty &&
      el(
        "div",
        { class: "starters" },
        STARTERS.map((text) => el("button", { type: "button", class: "button", "data-starter": mention + text }, text)),
      ),
  );
}

/** Whom one may mention in a channel, the app first. @param {import("./state.js").State} state */
export function mentionable(state, channel) {
  const people = (channel?.members ?? []).map((id) => state.person(id)).filter(Boolean);
  return people.sort(
    (one, other) => Number(other.is_bot) - Number(one.is_bot) || nameOf(one).localeCompare(nameOf(other)),
  );
}
