/** The thread beside the channel: where answers grow, and where they are stopped. */

import { notify } from "./announce.js";
import { Composer } from "./composer.js";
import { act } from "./control.js";
import { el, patchChildren } from "./dom.js";
import { icon } from "./icons.js";
import { MessageList } from "./list.js";
import { suggestions } from "./suggestions.js";

export class ThreadPane {
  /** @param {HTMLElement} root @param {object} page as in channel.js */
  constructor(root, page) {
    this.root = root;
    this.heading = el("h2", { tabindex: "-1" }, "Thread");
    this.about = el("p", { class: "about" });
    const close = () => page.go({ thread: "", focus: "channel" });
    this.stop = el(
      "button",
      { type: "button", class: "button stop", onclick: () => this.#stop() },
      icon("stop"),
      "Stop",
    );
    this.hints = el("div", { class: "suggestions" });
    const body = el("div", { class: "pane-body" });
    const shut = {
      type: "button",
      class: "plain",
      title: "Close the thread",
      "aria-label": "Close the thread",
      onclick: close,
    };
    root.append(
      el(
        "header",
        { class: "pane-head" },
        el("button", { ...shut, class: "plain back" }, icon("back")),
        this.heading,
        this.about,
        el("button", { ...shut, class: "plain shut" }, icon("close")),
      ),
      body,
    );
    this.list = new MessageList(body, {
      label: "Thread",
      inThread: true,
      leave: () => this.composer.focus(),
      redraw: page.redraw,
    });
    body.append(this.hints, el("div", { class: "stop-row" }, this.stop));
    this.composer = new Composer(body, {
      people: page.people,
      onSent: () => this.list.toEnd(),
      leave: (key) => key === "ArrowUp" && this.list.focus(),
    });
    root.addEventListener("keydown", (event) => {
      if (event.key === "Escape") close();
    });
    this.hints.addEventListener("click", (event) => {
      const hint = event.target.closest("[data-message]");
      if (hint) this.composer.write(hint.dataset.message);
    });
  }

  /** @param {import("./place.js").Place} place @param {import("./blocks.js").Context} context */
  draw({ channel, thread }, context) {
    const { state, person } = context;
    this.what = { user: person.id, channel: channel.id, thread_ts: thread };
    const session = state.session(channel.id, thread);
    this.heading.textContent = state.title(channel.id, thread) || "Thread";
    this.about.textContent = channel.kind === "im" ? state.bot.name : `#${channel.name}`;
    this.stop.parentNode.hidden = !(session?.status === "processing" && session.stoppable);
    const status = state.status(channel.id, thread);
    this.list.draw([person.id, channel.id, thread].join("/"), state.inThread(channel.id, thread, person.id), context, {
      status,
    });
    patchChildren(this.hints, suggestions(state.suggestions(channel.id, thread)));
    this.composer.draw(
      { person, channel, thread },
      channel.archived ? "This channel is archived" : "Reply",
      !channel.archived,
    );
  }

  async #stop() {
    try {
      await act("stop", this.what);
    } catch (problem) {
      notify(problem.message);
    }
  }
}
