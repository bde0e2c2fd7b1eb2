/** Markdown as DOM: the blocks of CommonMark with GFM's tables. HTML is shown as the text it is. */

import { el } from "./dom.js";
import { inline } from "./inline.js";

const FENCE = /^ {0,3}(`{3,}(?=[^`]*$)|~{3,})\s*(\S*)/;
const HEADING = /^ {0,3}(#{1,6})(?:[ \t]+(.*?))??(?:[ \t]+#+)?[ \t]*$/;
const RULE = /^ {0,3}(?:(?:\*[ \t]*){3,}|(?:-[ \t]*){3,}|(?:_[ \t]*){3,})$/;
const QUOTE = /^ {0,3}> ?/;
const ITEM = /^( {0,3})([-+*]|(\d{1,9})[.)])(?:( +)(.*))?$/;
const SEPARATOR = /^ {0,3}\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*$/;
const UNDERLINE = /^ {0,3}(=+|-{2,})\s*$/;
const DEEPEST = 12;

/**
 * The text as nodes. It may be cut anywhere: what is half open ends with the text.
 * @param {string} text
 * @param {import("./mentions.js").Names} names
 * @returns {Node[]}
 */
export function markdown(text, names) {
  const lines = text.replace(/\r\n?/g, "\n").split("\n");
  return blocks(
    lines.map((line) => line.replace(/^[ \t]+/, widened)),
    names,
    0,
  );
}

function widened(blank) {
  let width = 0;
  for (const character of blank) width += character === "\t" ? 4 - (width % 4) : 1;
  return " ".repeat(width);
}

/** @returns {Node[]} */
function blocks(lines, names, depth) {
  const made = [];
  let at = 0;
  while (at < lines.length) {
    if (!lines[at].trim()) {
      at += 1;
      continue;
    }
    const [node, next] = block(lines, at, names, depth);
    made.push(node);
    at = next;
  }
  return made;
}

/** One block that begins on line `at`, and the line after it. */
function block(lines, at, names, depth) {
  const line = lines[at];
  let found;
  if ((found = FENCE.exec(line))) return fence(lines, at, found);
  if ((found = HEADING.exec(line))) return [heading(found[1].length, found[2] ?? "", names), at + 1];
  if (RULE.test(line)) return [el("hr"), at + 1];
  if (depth < DEEPEST && QUOTE.test(line)) return quote(lines, at, names, depth);
  if (depth < DEEPEST && ITEM.test(line)) return list(lines, at, names, depth);
  if (isTable(lines, at)) return table(lines, at, names);
  if (line.startsWith("    ")) return indented(lines, at);
  return paragraph(lines, at, names);
}

function fence(lines, at, [opening, mark, language]) {
  const indent = opening.search(/\S/);
  const closing = new RegExp(`^ {0,3}\\${mark[0]}{${mark.length},}\\s*$`);
  let end = at + 1;
  while (end < lines.length && !closing.test(lines[end])) end += 1;
  const strip = new RegExp(`^ {0,${indent}}`);
  const code = lines.slice(at + 1, end).map((line) => line.replace(strip, ""));
  return [preformatted(code.join("\n"), language), end + 1];
}

function indented(lines, at) {
  let end = at;
  while (end < lines.length && (lines[end].startsWith("    ") || !lines[end].trim())) end += 1;
  const code = lines.slice(at, end).map((line) => line.slice(4));
  return [preformatted(code.join("\n").trimEnd()), end];
}

/** A block of code, scrollable by keyboard too. */
export function preformatted(code, language = "") {
  return el("pre", { tabindex: "0", "data-language": language || null }, el("code", {}, code));
}

function heading(level, text, names) {
  return el("p", { class: `heading heading-${level}`, role: "heading", "aria-level": level + 2 }, inline(text, names));
}

function quote(lines, at, names, depth) {
  const inside = [];
  let end = at;
  while (end < lines.length && (QUOTE.test(lines[end]) || isLazy(lines, end))) {
    inside.push(lines[end].replace(QUOTE, ""));
    end += 1;
  }
  return [el("blockquote", {}, blocks(inside, names, depth + 1)), end];
}

/** A line that goes on with the paragraph above it without repeating its marks. */
function isLazy(lines, at) {
  return Boolean(lines[at].trim() && lines[at - 1]?.replace(QUOTE, "").trim() && !begins(lines, at));
}

function begins(lines, at) {
  const line = lines[at];
  return FENCE.test(line) || HEADING.test(line) || RULE.test(line) || QUOTE.test(line) || ITEM.test(line);
}

function list(lines, at, names, depth) {
  const first = ITEM.exec(lines[at]);
  const items = [];
  let loose = false;
  let end = at;
  while (end < lines.length) {
    const found = ITEM.exec(lines[end]);
    if (!found || found[2].slice(-1) !== first[2].slice(-1) || RULE.test(lines[end])) break;
    const item = listItem(lines, end, found);
    items.push(item.lines);
    loose ||= item.loose;
    end = item.end;
    const next = nextWritten(lines, end);
    if (next > end && next < lines.length && ITEM.exec(lines[next])?.[2].slice(-1) === first[2].slice(-1)) {
      loose = true;
      end = next;
    }
  }
  const made = items.map((inside) => el("li", {}, itemContent(inside, names, depth, loose)));
  if (first[3] === undefined) return [el("ul", {}, made), end];
  return [el("ol", { start: Number(first[3]) === 1 ? null : Number(first[3]) }, made), end];
}

/** The lines of one item without its indentation. Nested lists may be indented by two columns less than they should. */
function listItem(lines, at, [, indent, marker, , space = " ", rest = ""]) {
  const width = indent.length + marker.length + (space.length > 4 ? 1 : space.length);
  const inside = [space.length > 4 ? space.slice(1) + rest : rest];
  let end = at + 1;
  let loose = false;
  for (; end < lines.length; end += 1) {
    const line = lines[end];
    const depth = line.search(/\S/);
    if (depth === -1) {
      const next = nextWritten(lines, end);
      if (next === lines.length || lines[next].search(/\S/) < width) break;
      loose ||= !ITEM.test(lines[next].slice(width));
      inside.push("");
    } else if (depth >= width) inside.push(line.slice(width));
    else if (depth >= indent.length + 2 && ITEM.test(line.trimStart())) inside.push(line.trimStart());
    else if (isLazy(lines, end)) inside.push(line.trimStart());
    else break;
  }
  return { lines: inside, end, loose };
}

function itemContent(inside, names, depth, loose) {
  const task = /^\[([ xX])\] +/.exec(inside[0]);
  if (task) inside[0] = inside[0].slice(task[0].length);
  let made = blocks(inside, names, depth + 1);
  if (!loose) made = made.flatMap((node) => (node.nodeName === "P" && !node.className ? [...node.childNodes] : [node]));
  if (!task) return made;
  const done = task[1] !== " ";
  return [
    el("span", { class: "task", role: "img", "aria-label": done ? "done" : "to do" }, done ? "☑" : "☐"),
    " ",
    ...made,
  ];
}

function nextWritten(lines, at) {
  while (at < lines.length && !lines[at].trim()) at += 1;
  return at;
}

function isTable(lines, at) {
  if (!lines[at].includes("|") || !SEPARATOR.test(lines[at + 1] ?? "")) return false;
  return cells(lines[at]).length === cells(lines[at + 1]).length;
}

function table(lines, at, names) {
  const sides = cells(lines[at + 1]).map((cell) =>
    cell.endsWith(":") ? (cell.startsWith(":") ? "center" : "end") : null,
  );
  let end = at + 2;
  while (end < lines.length && lines[end].trim() && !begins(lines, end)) end += 1;
  const row = (line, tag) => {
    const given = cells(line);
    return el(
      "tr",
      {},
      sides.map((side, n) => el(tag, { class: side && `to-${side}` }, inline(given[n] ?? "", names))),
    );
  };
  const body = lines.slice(at + 2, end).map((line) => row(line, "td"));
  return [scrollable(el("table", {}, el("thead", {}, row(lines[at], "th")), el("tbody", {}, body))), end];
}

/** A table in a frame that scrolls sideways. */
export function scrollable(content, label = "Table") {
  return el("div", { class: "table-frame", role: "region", "aria-label": label, tabindex: "0" }, content);
}

function cells(line) {
  const inside = line
    .trim()
    .replace(/^\|/, "")
    .replace(/(?<!\\)\|$/, "");
  return inside.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
}

function paragraph(lines, at, names) {
  let end = at + 1;
  while (end < lines.length && lines[end].trim()) {
    const under = UNDERLINE.exec(lines[end]);
    if (under) return [heading(under[1][0] === "=" ? 1 : 2, lines.slice(at, end).join("\n"), names), end + 1];
    const item = ITEM.exec(lines[end]);
    const interrupts = item ? item[5] && (item[3] ?? "1") === "1" : begins(lines, end);
    if (interrupts || isTable(lines, end)) break;
    end += 1;
  }
  const text = lines.slice(at, end).map((line) => line.trimStart());
  return [el("p", {}, inline(text.join("\n").trimEnd(), names)), end];
}
