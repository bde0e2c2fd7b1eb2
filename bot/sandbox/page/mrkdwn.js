/** Slack's own mrkdwn as DOM: https://docs.slack.dev/messaging/formatting-message-text/ */

import { el } from "./dom.js";
import { emoji } from "./emoji.js";
import { preformatted } from "./markdown.js";
import { token } from "./mentions.js";

const MARK =
  /`([^`\n]+)`|<([^<>\n]+)>|(?<![\w*])\*(?=\S)([^*\n]*[^\s*])\*(?![\w*])|(?<![\w_])_(?=\S)([^_\n]*[^\s_])_(?![\w_])|(?<![\w~])~(?=\S)([^~\n]*[^\s~])~(?![\w~])|:([a-z0-9_+-]{1,40}):/g;
const QUOTED = /^(?:&gt;|>) ?/;

/** What Slack escaped, as characters. */
export function unescape(text) {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}

/**
 * A mrkdwn text as nodes.
 * @param {string} text escaped as Slack escapes it
 * @param {import("./mentions.js").Names} names
 * @returns {(Node | string)[]}
 */
export function mrkdwn(text, names) {
  const pieces = text.split(/```/);
  if (pieces.length % 2 === 0) pieces.push(`\`\`\`${pieces.pop()}`);
  return pieces.flatMap((piece, number) => {
    if (number % 2) return [preformatted(unescape(piece.replace(/^\n/, "").trimEnd()))];
    return lines(number ? piece.replace(/^\n/, "") : piece, names);
  });
}

function lines(text, names) {
  const made = [];
  let quote = null;
  for (const line of text.split("\n")) {
    const quoted = QUOTED.test(line);
    if (quoted && quote) quote.append(el("br"), ...spans(line.replace(QUOTED, ""), names));
    else if (quoted) made.push((quote = el("blockquote", {}, spans(line.replace(QUOTED, ""), names))));
    else {
      if (made.length && !quote) made.push(el("br"));
      made.push(...spans(line, names));
      quote = null;
    }
  }
  return made;
}

function spans(text, names) {
  const made = [];
  let at = 0;
  for (const found of text.matchAll(MARK)) {
    const node = span(found, names);
    if (!node) continue;
    made.push(unescape(text.slice(at, found.index)), node);
    at = found.index + found[0].length;
  }
  made.push(unescape(text.slice(at)));
  return made.filter((part) => part !== "");
}

function span([, code, inside, bold, italic, struck, name], names) {
  if (code !== undefined) return el("code", {}, unescape(code));
  if (inside !== undefined) return token(unescape(inside), names);
  if (bold !== undefined) return el("strong", {}, spans(bold, names));
  if (italic !== undefined) return el("em", {}, spans(italic, names));
  if (struck !== undefined) return el("s", {}, spans(struck, names));
  return emoji(name);
}
