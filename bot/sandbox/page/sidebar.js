/** The conversations of the person one acts as. */

import { arrange, el, patch } from "./dom.js";
import { icon } from "./icons.js";
import { avatar, Switcher } from "./people.js";

export class Sidebar {
  /**
   * @param {HTMLElement} root
   * @param {(change: Partial<import("./place.js").Place>) => void} go
   */
  constructor(root, go) {
    this.go = go;
    this.lists = new Map();
    this.people = el("fieldset", { class: "switcher" }, el("legend", {}, "Act as"));
    this.switcher = new Switcher(this.people, (name) => this.go({ name }));
    this.groups = el("div", { class: "groups" });
    root.append(this.people, this.groups);
    this.groups.addEventListener("click", (event) => {
      const button = event.target.closest("[data-channel]");
      if (button) this.go({ channel: button.dataset.channel, home: Boolean(button.dataset.home) });
    });
    this.groups.addEventListener("keydown", (event) => this.#key(event));
  }

  /** @param {import("./state.js").State} state @param {import("./place.js").Place} place */
  draw(state, place) {
    this.switcher.draw(state.actors, place.person);
    const channels = state.channelsOf(place.person.id);
    const row = (channel) => this.#row(channel, state, place);
    const groups = [
      ["Channels", channels.filter((one) => one.kind === "channel" || one.kind === "group").map(row)],
      ["Direct messages", channels.filter((one) => one.kind === "im" || one.kind === "mpim").map(row)],
    ];
    arrange(
      this.groups,
      groups.map(([name, rows]) => this.#group(name, rows)),
    );
  }

  #group(name, rows) {
    const fresh = el(
      "section",
      { "aria-label": name },
      el("h2", {}, name),
      el(
        "ul",
        {},
        rows.map((row) => el("li", {}, row)),
      ),
    );
    const old = this.lists.get(name);
    this.lists.set(name, old ? patch(old, fresh) : fresh);
    return this.lists.get(name);
  }

  #row(channel, state, place) {
    const current = place.channel?.id === channel.id;
    const unread = state.unread.has(`${place.person.id}/${channel.id}`) && !current;
    const direct = channel.kind === "im";
    const name = direct
      ? state.bot.name
      : channel.kind === "mpim"
        ? channel.name
            .replace(/^mpdm-|-\d+$/g, "")
            .split("--")
            .join(", ")
        : channel.name;
    return el(
      "button",
      {
        type: "button",
        class: unread ? "row unread" : "row",
        "data-channel": channel.id,
        "aria-current": current ? "page" : null,
      },
      direct ? avatar(state.person(state.bot.user), "tiny") : icon(channel.kind === "group" ? "lock" : "hash"),
      el("span", { class: "row-name" }, name),
      channel.shared && !direct
        ? el("span", { class: "badge badge-stranger", title: "Shared with another company" }, "Shared")
        : null,
      channel.archived ? el("span", { class: "badge" }, "Archived") : null,
      unread ? el("span", { class: "visually-hidden" }, "unread") : null,
      unread ? el("span", { class: "dot", "aria-hidden": "true" }) : null,
    );
  }

  #key(event) {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!by) return;
    const rows = [...this.groups.querySelectorAll("[data-channel]")];
    rows[(rows.indexOf(document.activeElement) + by + rows.length) % rows.length]?.focus();
    event.preventDefault();
  }
}
