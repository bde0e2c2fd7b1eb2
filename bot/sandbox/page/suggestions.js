/** Prompts that the app suggests for a thread or a DM. */

import { el } from "./dom.js";

/** @param {{title: string, prompts: {title: string, message: string}[]} | undefined} given */
export function suggestions(given) {
  if (!given?.prompts.length) return [];
  const chips = given.prompts.map(({ title, message }) =>
    el("button", { type: "button", class: "button", "data-message": message }, title),
  );
  return [given.title ? el("span", { class: "about" }, given.title) : null, ...chips].filter(Boolean);
}
