/** How people are shown: avatars, names, and the switch between those one can act as. */

import { arrange, el, patch } from "./dom.js";

const TONES = 7;

/** @param {any} person undefined for Slackbot and others who are not listed */
export function avatar(person, size = "") {
  const name = nameOf(person) || "?";
  const tone = person?.is_bot ? "app" : [...(person?.name ?? "")].reduce((sum, c) => sum + c.charCodeAt(0), 0) % TONES;
  const initials = name
    .split(/\s+/)
    .slice(0, 2)
    .map((part) => [...part][0])
    .join("");
  return el("span", { class: `avatar tone-${tone} ${size}`, "aria-hidden": "true" }, person?.is_bot ? "✳" : initials);
}

export function nameOf(person) {
  return person?.is_bot ? person.name : person?.real_name || person?.name || "";
}

/** What is worth knowing about a person besides the name. */
export function roleOf(person) {
  if (person.is_bot) return "App";
  if (person.is_stranger) return "Another company";
  return person.is_admin ? "Admin" : "Member";
}

/** Radio buttons for whom to act as. */
export class Switcher {
  /** @param {HTMLElement} root @param {(name: string) => void} onChoice */
  constructor(root, onChoice) {
    this.root = root;
    this.choices = new Map();
    this.caption = el("p", { class: "acting-as" });
    this.row = el("div", { class: "actors" });
    root.append(this.row, this.caption);
    root.addEventListener("change", (event) => onChoice(event.target.value));
  }

  draw(people, chosen) {
    for (const person of people) {
      const fresh = this.#choice(person);
      const old = this.choices.get(person.id);
      this.choices.set(person.id, old ? patch(old, fresh) : fresh);
      this.choices.get(person.id).querySelector("input").checked = person.id === chosen.id;
    }
    arrange(
      this.row,
      people.map((person) => this.choices.get(person.id)),
    );
    patch(this.caption, el("p", { class: "acting-as" }, el("strong", {}, nameOf(chosen)), ` ${roleOf(chosen)}`));
    this.caption = this.root.lastElementChild;
  }

  #choice(person) {
    const label = `${nameOf(person)}, ${roleOf(person)}`;
    return el(
      "label",
      { title: label },
      el("input", { type: "radio", name: "actor", value: person.name, "aria-label": label }),
      avatar(person),
    );
  }
}
