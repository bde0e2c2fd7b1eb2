/** Short notes: on the screen for a while, and spoken by screen readers. */

import { el } from "./dom.js";

const SECONDS = 7;

/** Say something to screen readers only. */
export function announce(text) {
  const line = el("p", {}, text);
  document.getElementById("announcements").append(line);
  setTimeout(() => line.remove(), SECONDS * 1000);
}

/** Show a note above everything until it is dismissed or its time is over. */
export function notify(text) {
  const note = el("div", { class: "note" }, el("span", {}, text));
  const dismiss = el("button", { type: "button", class: "plain", onclick: () => note.remove() }, "Dismiss");
  note.append(dismiss);
  document.getElementById("notes").append(note);
  setTimeout(() => note.remove(), SECONDS * 1000);
}
