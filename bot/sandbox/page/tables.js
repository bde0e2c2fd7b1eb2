/** table and data_table blocks. The latter turns pages and sorts: columns by name, numbers by size. */

import { el, fingerprint } from "./dom.js";
import { scrollable } from "./markdown.js";
import { richText } from "./richtext.js";

const PAGE_SIZE = 5;

/** https://docs.slack.dev/reference/block-kit/blocks/table-block */
export function table(block, { names }) {
  const settings = block.column_settings ?? [];
  const [head, ...body] = block.rows ?? [];
  const row = (cells, tag) =>
    el(
      "tr",
      {},
      (cells ?? []).map((cell, number) => el(tag, { class: side(cell, settings[number]) }, content(cell, names))),
    );
  return scrollable(
    el(
      "table",
      {},
      el("thead", {}, row(head, "th")),
      el(
        "tbody",
        {},
        body.map((cells) => row(cells, "td")),
      ),
    ),
  );
}

function side(cell, setting) {
  const align = setting?.align ?? (cell?.type === "raw_number" ? "right" : "left");
  return { right: "to-end", center: "to-center" }[align] ?? null;
}

function content(cell, names) {
  if (cell?.type === "rich_text") return richText(cell, names);
  return String(cell?.text ?? "");
}

function worth(cell) {
  if (cell?.type === "raw_number") return Number(cell.value);
  return cell?.type === "rich_text"
    ? richText(cell, { user: String, channel: String }).textContent
    : String(cell?.text ?? "");
}

/** https://docs.slack.dev/reference/block-kit/blocks/data-table-block */
export function dataTable(block, { names }) {
  const [head, ...rows] = block.rows;
  const size = block.page_size ?? PAGE_SIZE;
  const pages = Math.ceil(rows.length / size);
  const frame = el("div", { class: "data-table", "data-from": fingerprint(block) });
  const now = { page: 0, column: -1, down: false };
  draw();
  return frame;

  function draw() {
    const focused = frame.contains(document.activeElement) ? document.activeElement.dataset.part : null;
    const made = el(
      "table",
      {},
      el("caption", {}, block.caption),
      el("thead", {}, el("tr", {}, head.map(heading))),
      el("tbody", {}, shown().map(line)),
    );
    frame.replaceChildren(scrollable(made, block.caption), pages > 1 ? pager() : "");
    if (focused) frame.querySelector(`[data-part="${focused}"]:not(:disabled)`)?.focus();
  }

  function heading(cell, number) {
    const sorted = now.column === number ? (now.down ? "descending" : "ascending") : "none";
    const button = el(
      "button",
      { type: "button", class: "plain", "data-part": `column-${number}`, onclick: () => sort(number) },
      content(cell, names),
    );
    return el("th", { scope: "col", "aria-sort": sorted, class: side(rows[0]?.[number]) }, button);
  }

  function line(cells) {
    return el(
      "tr",
      {},
      cells.map((cell, number) => {
        const heads = number === (block.row_header_column_index ?? -1);
        return el(heads ? "th" : "td", { class: side(cell), scope: heads ? "row" : null }, content(cell, names));
      }),
    );
  }

  function shown() {
    const sorted =
      now.column < 0
        ? rows
        : rows.toSorted((one, other) => compare(one[now.column], other[now.column]) * (now.down ? -1 : 1));
    return sorted.slice(now.page * size, (now.page + 1) * size);
  }

  function sort(column) {
    Object.assign(now, { down: now.column === column && !now.down, column, page: 0 });
    draw();
  }

  function pager() {
    const turn = (by, name) =>
      el(
        "button",
        {
          type: "button",
          class: "button",
          "data-part": name,
          disabled: now.page + by < 0 || now.page + by >= pages,
          onclick: () => {
            now.page += by;
            draw();
          },
        },
        name,
      );
    return el(
      "div",
      { class: "pager" },
      turn(-1, "Previous"),
      el("span", { role: "status" }, `${now.page + 1} of ${pages}`),
      turn(1, "Next"),
    );
  }
}

function compare(one, other) {
  const [left, right] = [worth(one), worth(other)];
  if (typeof left === "number" && typeof right === "number") return left - right;
  return String(left).localeCompare(String(right), undefined, { numeric: true });
}
