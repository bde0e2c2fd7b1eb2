/** Slack's tokens in angle brackets: <@user>, <#channel>, <!here>, <address|label>. */

import { el, link } from "./dom.js";

/**
 * @typedef {object} Names who and what a mention may speak of
 * @property {(id: string) => string | undefined} user
 * @property {(id: string) => string | undefined} channel
 * @property {string} me the id of the person who reads
 */

/**
 * What a token shows as; null where it is none.
 * @param {string} inside without its angle brackets
 * @param {Names} names
 */
export function token(inside, names) {
  const [head, ...rest] = inside.split("|");
  const label = rest.join("|");
  switch (head[0]) {
    case "@":
      return /^@[UW][A-Z0-9]+$/.test(head) ? user(head.slice(1), names, label) : null;
    case "#":
      return /^#[CG][A-Z0-9]+$/.test(head) ? channel(head.slice(1), names, label) : null;
    case "!":
      return special(head.slice(1), label);
  }
  if (/^(?:https?:\/\/|mailto:)\S+$/i.test(head)) return link(head, label || head.replace(/^mailto:/i, ""));
  if (!label && /^[^\s@<>:]+@[^\s@<>]+\.[^\s@<>]+$/.test(head)) return link(`mailto:${head}`, head);
  return null;
}

export function user(id, names, label = "") {
  const name = names.user(id) ?? (label || id);
  return el("span", { class: id === names.me ? "mention mention-me" : "mention" }, `@${name}`);
}

export function channel(id, names, label = "") {
  return el("span", { class: "mention" }, `#${names.channel(id) ?? (label || id)}`);
}

export function broadcast(range) {
  return el("span", { class: "mention mention-all" }, `@${range}`);
}

function special(head, label) {
  const [kind, ...more] = head.split("^");
  if (["here", "channel", "everyone"].includes(kind)) return broadcast(kind);
  if (kind === "subteam") return el("span", { class: "mention" }, label || `@${more[0]}`);
  if (kind === "date")
    return el("time", {}, label || (more[0] ? new Date(Number(more[0]) * 1000).toLocaleString() : head));
  return label ? el("span", {}, label) : null;
}
