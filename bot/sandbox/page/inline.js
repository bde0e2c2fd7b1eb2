/** The inside of a Markdown paragraph: emphasis, code, links, mentions. After CommonMark's delimiter algorithm. */

import { el, link } from "./dom.js";
import { emoji } from "./emoji.js";
import { token } from "./mentions.js";

const PUNCTUATION = /[!-/:-@[-`{-~\p{P}\p{S}]/u;
const TEXT = /[^\\`*_~[\]!<&:\nh]+/y;
const ADDRESS = /https?:\/\/[^\s<>*`"|\\]+/y;
const ENTITY = /&(?:(amp|lt|gt|quot|nbsp|copy|hellip|mdash|ndash)|#(\d{1,7})|#x([\da-f]{1,6}));/iy;
const ENTITIES = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  nbsp: "\u00a0",
  copy: "©",
  hellip: "…",
  mdash: "—",
  ndash: "–",
};
const TARGET = /\(\s*(?:<([^<>\n]*)>|((?:[^\s()\\]|\\.|\((?:[^\s()\\]|\\.)*\))*))(?:\s+(?:"[^"]*"|'[^']*'))?\s*\)/y;
const ANGLE = /<([^<>\n]{1,2000})>/y;
const SHORT_NAME = /:[a-z0-9_+-]{1,40}:/y;

/** A run of * or _ or ~ that may open or close emphasis. */
class Run {
  constructor(mark, count, opens, closes) {
    Object.assign(this, { mark, count, opens, closes });
  }
}

/** A [ or ![ that may begin a link. */
class Bracket {
  constructor(mark) {
    this.mark = mark;
    this.active = true;
  }
}

/**
 * The text as nodes. Half-written marks stay what they are: characters.
 * @param {string} text
 * @param {import("./mentions.js").Names} names who and what mentions speak of
 */
export function inline(text, names) {
  const parts = [];
  const brackets = [];
  let at = 0;
  const take = (pattern) => {
    pattern.lastIndex = at;
    return pattern.exec(text);
  };
  while (at < text.length) {
    const character = text[at];
    const step = read(character);
    if (step) {
      at += step;
      continue;
    }
    parts.push(character);
    at += 1;
  }
  return settle(parts);

  function read(character) {
    switch (character) {
      case "\\":
        return escaped();
      case "\n":
        trimEnd(parts);
        parts.push(el("br"));
        return 1;
      case "`":
        return code();
      case "*":
      case "_":
      case "~":
        return run(character);
      case "!":
        return text[at + 1] === "[" ? open("![") : 0;
      case "[":
        return open("[");
      case "]":
        return close();
      case "<":
        return angle();
      case "&":
        return entity();
      case ":":
        return shortName();
      case "h":
        return bareAddress();
      default:
        return plain();
    }
  }

  function plain() {
    const [found] = take(TEXT) ?? [text[at]];
    parts.push(found);
    return found.length;
  }

  function escaped() {
    const next = text[at + 1];
    if (next === undefined || !(PUNCTUATION.test(next) || next === "\n")) return 0;
    parts.push(next === "\n" ? el("br") : next);
    return 2;
  }

  function code() {
    const [ticks] = /`+/.exec(text.slice(at, at + 100));
    let end = at + ticks.length;
    while ((end = text.indexOf(ticks, end)) !== -1) {
      if (text[end + ticks.length] !== "`" && text[end - 1] !== "`") break;
      while (text[end] === "`") end += 1;
    }
    if (end === -1) {
      parts.push(ticks);
      return ticks.length;
    }
    let inside = text.slice(at + ticks.length, end).replaceAll("\n", " ");
    if (/^ .*[^ ].* $/.test(inside)) inside = inside.slice(1, -1);
    parts.push(el("code", {}, inside));
    return end + ticks.length - at;
  }

  function run(mark) {
    let count = 1;
    while (text[at + count] === mark) count += 1;
    const before = at ? text[at - 1] : " ";
    const after = text[at + count] ?? " ";
    const left = !/\s/.test(after) && (!PUNCTUATION.test(after) || /\s/.test(before) || PUNCTUATION.test(before));
    const right = !/\s/.test(before) && (!PUNCTUATION.test(before) || /\s/.test(after) || PUNCTUATION.test(after));
    const inWord = mark === "_" && left && right;
    const opens = left && (!inWord || PUNCTUATION.test(before));
    const closes = right && (!inWord || PUNCTUATION.test(after));
    parts.push(mark === "~" && count > 2 ? mark.repeat(count) : new Run(mark, count, opens, closes));
    return count;
  }

  function open(mark) {
    brackets.push(parts.length);
    parts.push(new Bracket(mark));
    return mark.length;
  }

  function close() {
    const start = brackets.pop();
    if (start === undefined) return 0;
    at += 1;
    const target = parts[start].active ? take(TARGET) : null;
    at -= 1;
    if (!target) return 0;
    const { mark } = parts[start];
    const content = settle(parts.splice(start).slice(1));
    const address = (target[1] ?? target[2]).replace(/\\([!-/:-@[-`{-~])/g, "$1");
    const made = link(address, ...(content.length ? content : [address]));
    if (made.nodeName !== "A") made.append(` (${address})`);
    parts.push(made);
    if (mark === "[") for (const other of brackets) parts[other].active = parts[other].mark !== "[";
    return 1 + target[0].length;
  }

  function angle() {
    const found = take(ANGLE);
    const made = found && token(found[1], names);
    if (!made) return 0;
    parts.push(made);
    return found[0].length;
  }

  function entity() {
    const found = take(ENTITY);
    if (!found) return 0;
    const number = found[2] ? Number(found[2]) : parseInt(found[3], 16);
    parts.push(
      found[1]
        ? ENTITIES[found[1].toLowerCase()]
        : number > 0 && number < 0x110000
          ? String.fromCodePoint(number)
          : "\ufffd",
    );
    return found[0].length;
  }

  function shortName() {
    const found = take(SHORT_NAME);
    const known = found && emoji(found[0].slice(1, -1));
    if (!known) return 0;
    parts.push(known);
    return found[0].length;
  }

  function bareAddress() {
    const found = at && /[\p{L}\p{N}_]/u.test(text[at - 1]) ? null : take(ADDRESS);
    if (!found) return 0;
    let address = found[0].replace(/[.,;:!?'_~\]]+$/, "");
    while (address.endsWith(")") && address.split(")").length > address.split("(").length)
      address = address.slice(0, -1);
    parts.push(link(address, address));
    return address.length;
  }
}

/** Pair the runs, and make nodes and strings of all that is left. */
function settle(parts) {
  const floors = {};
  for (let closer = 0; closer < parts.length; closer += 1) {
    const end = parts[closer];
    if (!(end instanceof Run) || !end.closes) continue;
    const kind = `${end.mark}${end.opens}${end.count % 3}`;
    const floor = floors[kind] ?? -1;
    let opener = closer - 1;
    while (opener > floor && !pairs(parts[opener], end)) opener -= 1;
    if (opener <= floor) {
      floors[kind] = closer - 1;
      continue;
    }
    const start = parts[opener];
    const used = end.mark === "~" ? end.count : start.count >= 2 && end.count >= 2 ? 2 : 1;
    const tag = end.mark === "~" ? "s" : used === 2 ? "strong" : "em";
    const inside = joined(parts.slice(opener + 1, closer));
    start.count -= used;
    end.count -= used;
    const kept = [start, el(tag, {}, inside), end].filter((part) => !(part instanceof Run) || part.count);
    parts.splice(opener, closer - opener + 1, ...kept);
    for (const name of Object.keys(floors)) floors[name] = Math.min(floors[name], opener - 1);
    closer = opener + kept.length - (end.count ? 2 : 1);
  }
  return joined(parts);
}

/** Nodes and strings, with no two strings side by side. */
function joined(parts) {
  const made = [];
  for (const part of parts.map(written)) {
    if (typeof part === "string" && typeof made.at(-1) === "string") made.push(made.pop() + part);
    else made.push(part);
  }
  return made;
}

function pairs(start, end) {
  if (!(start instanceof Run) || !start.opens || start.mark !== end.mark) return false;
  if (end.mark === "~") return start.count === end.count;
  const mixed = start.closes || end.opens;
  return !(mixed && (start.count + end.count) % 3 === 0 && (start.count % 3 || end.count % 3));
}

function written(part) {
  if (part instanceof Run) return part.mark.repeat(part.count);
  return part instanceof Bracket ? part.mark : part;
}

function trimEnd(parts) {
  const last = parts.length - 1;
  if (typeof parts[last] === "string") parts[last] = parts[last].trimEnd();
}
