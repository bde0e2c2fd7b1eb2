/** rich_text blocks as DOM: https://docs.slack.dev/reference/block-kit/blocks/rich-text-block */

import { el, link } from "./dom.js";
import { emoji } from "./emoji.js";
import { preformatted } from "./markdown.js";
import { broadcast, channel, user } from "./mentions.js";

const STYLES = { code: "code", strike: "s", italic: "em", bold: "strong", underline: "u" };
const LIST_MARKS = ["1", "a", "i"];

/** @param {import("./mentions.js").Names} names */
export function richText(block, names) {
  return el(
    "div",
    { class: "rich-text" },
    (block.elements ?? []).map((part) => element(part, names)),
  );
}

function element(part, names) {
  const inside = part.elements ?? [];
  switch (part.type) {
    case "rich_text_list": {
      const indent = Math.min(part.indent ?? 0, 8);
      const items = inside.map((item) => el("li", {}, runs(item.elements ?? [], names)));
      const kind = part.style === "ordered" ? "ol" : "ul";
      const marks = kind === "ol" ? LIST_MARKS[indent % 3] : null;
      return el(kind, { class: `indent-${indent}`, type: marks, start: part.offset ? part.offset + 1 : null }, items);
    }
    case "rich_text_preformatted":
      return preformatted(inside.map((run) => run.text ?? run.url ?? "").join(""));
    case "rich_text_quote":
      return el("blockquote", {}, runs(inside, names));
    default:
      return el("div", {}, runs(inside, names));
  }
}

function runs(elements, names) {
  return elements.map((part) => styled(run(part, names), part.style));
}

function run(part, names) {
  switch (part.type) {
    case "text":
      return lines(String(part.text ?? ""));
    case "link":
      return link(part.url, part.text || part.url);
    case "user":
      return user(part.user_id, names);
    case "channel":
      return channel(part.channel_id, names);
    case "broadcast":
      return broadcast(part.range);
    case "emoji":
      return emoji(part.name) ?? `:${part.name}:`;
    case "date":
      return el("time", {}, part.fallback ?? new Date(part.timestamp * 1000).toLocaleString());
    case "color":
      return el("code", {}, part.value);
    default:
      return part.text ?? part.usergroup_id ?? "";
  }
}

function lines(text) {
  return text.split("\n").flatMap((line, number) => (number ? [el("br"), line] : [line]));
}

function styled(content, style = {}) {
  return Object.entries(STYLES).reduce((made, [name, tag]) => (style?.[name] ? el(tag, {}, made) : made), content);
}
