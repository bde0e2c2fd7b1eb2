/** The list of names that opens when someone types "@": arrows choose, Enter or Tab takes, Escape closes. */

import { el } from "./dom.js";
import { avatar, nameOf } from "./people.js";

const BEGUN = /(^|\s)@([\w.-]*)$/;
let lists = 0;

export class Completion {
  /** @param {HTMLTextAreaElement} field @param {() => any[]} people who may be mentioned */
  constructor(field, people) {
    this.field = field;
    this.people = people;
    this.found = [];
    this.id = `names-${(lists += 1)}`;
    this.list = el("ul", { class: "completion", role: "listbox", "aria-label": "People", id: this.id, hidden: true });
    field.setAttribute("aria-autocomplete", "list");
    field.setAttribute("aria-controls", this.id);
    field.addEventListener("input", () => this.#look());
    field.addEventListener("blur", () => this.close());
    this.list.addEventListener("mousedown", (event) => {
      event.preventDefault();
      const option = event.target.closest("[role=option]");
      if (option) this.#take([...this.list.children].indexOf(option));
    });
  }

  /** Whether the key was meant for the list. @param {KeyboardEvent} event */
  key(event) {
    if (this.list.hidden) return false;
    if (event.key === "Escape") this.close();
    else if (event.key === "Enter" || event.key === "Tab") this.#take(this.chosen);
    else if (event.key === "ArrowDown") this.#choose((this.chosen + 1) % this.found.length);
    else if (event.key === "ArrowUp") this.#choose((this.chosen || this.found.length) - 1);
    else return false;
    event.preventDefault();
    event.stopPropagation();
    return true;
  }

  close() {
    this.list.hidden = true;
    this.field.removeAttribute("aria-activedescendant");
  }

  #begun() {
    return BEGUN.exec(this.field.value.slice(0, this.field.selectionStart));
  }

  #look() {
    const begun = this.#begun();
    const start = begun?.[2].toLowerCase();
    const matches = (person) => person.name.startsWith(start) || nameOf(person).toLowerCase().startsWith(start);
    this.found = begun ? this.people().filter(matches) : [];
    if (!this.found.length) return this.close();
    this.list.replaceChildren(
      ...this.found.map((person, number) =>
        el(
          "li",
          { role: "option", id: `${this.id}-${number}` },
          avatar(person, "tiny"),
          el("strong", {}, nameOf(person)),
          el("small", {}, `@${person.name}`),
        ),
      ),
    );
    this.list.hidden = false;
    this.#choose(0);
  }

  #choose(number) {
    this.chosen = number;
    [...this.list.children].forEach((option, n) => option.setAttribute("aria-selected", String(n === number)));
    this.field.setAttribute("aria-activedescendant", `${this.id}-${number}`);
  }

  #take(number) {
    const begun = this.#begun();
    if (begun) {
      const end = this.field.selectionStart;
      this.field.setRangeText(`@${this.found[number].name} `, end - begun[2].length - 1, end, "end");
    }
    this.close();
  }
}
