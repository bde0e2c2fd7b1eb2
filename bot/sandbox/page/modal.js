/** Modals that the app opens for the person one acts as. https://docs.slack.dev/surfaces/modals */

import { notify } from "./announce.js";
import { blocks } from "./blocks.js";
import { act } from "./control.js";
import { el, patchChildren } from "./dom.js";
import { listen, values } from "./interact.js";
import { plain } from "./text.js";

export class Modal {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.title = el("h2", { id: "modal-title" });
    this.body = el("div", { class: "modal-body" });
    this.buttons = el("div", { class: "modal-buttons" });
    this.form = el("form", {}, this.title, this.body, this.buttons);
    this.dialog = el("dialog", { class: "modal", "aria-labelledby": "modal-title" }, this.form);
    root.append(this.dialog);
    this.form.addEventListener("submit", (event) => this.#submit(event));
    this.dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      this.#close();
    });
    listen(
      this.dialog,
      () => this.view && { user: this.person.id, blocks: this.view.blocks, address: { view_id: this.view.id } },
    );
  }

  /** @param {import("./blocks.js").Context} context */
  draw(context) {
    const { state, person } = context;
    const view = state.modal(person.id);
    if (!view) {
      this.view = null;
      if (this.dialog.open) this.dialog.close();
      return;
    }
    const errors = state.errors.get(view.id);
    if (view.id === this.view?.id && view.hash === this.view.hash && errors === this.errors && person === this.person)
      return;
    if (view.id !== this.view?.id) this.body.replaceChildren();
    Object.assign(this, { view, errors, person });
    this.title.textContent = plain(view.title);
    patchChildren(this.body, blocks(view.blocks, { ...context, errors }));
    patchChildren(this.buttons, [
      el(
        "button",
        { type: "button", class: "button", "data-do": "close" },
        plain(view.close) || (view.submit ? "Cancel" : "Close"),
      ),
      ...(view.submit ? [el("button", { type: "submit", class: "button primary" }, plain(view.submit))] : []),
    ]);
    this.buttons.firstElementChild.onclick = () => this.#close();
    if (!this.dialog.open) this.dialog.showModal();
    if (errors) this.body.querySelector("[aria-invalid]")?.focus();
  }

  async #submit(event) {
    event.preventDefault();
    const { view, person } = this;
    this.form.setAttribute("aria-busy", "true");
    await attempt("submit", { user: person.id, view_id: view.id, values: values(this.body, view.blocks) });
    this.form.removeAttribute("aria-busy");
  }

  #close() {
    attempt("close", { user: this.person.id, view_id: this.view.id });
  }
}

async function attempt(action, given) {
  try {
    await act(action, given);
  } catch (problem) {
    if (problem.status !== 504) notify(problem.message);
  }
}
