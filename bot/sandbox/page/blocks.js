/** Block Kit as DOM: https://docs.slack.dev/reference/block-kit/blocks */

import { chart } from "./charts.js";
import { el, link } from "./dom.js";
import { element } from "./elements.js";
import { icon } from "./icons.js";
import { markdown } from "./markdown.js";
import { richText } from "./richtext.js";
import { dataTable, table } from "./tables.js";
import { plain, text } from "./text.js";

/**
 * @typedef {object} Context what blocks are drawn for
 * @property {import("./state.js").State} state
 * @property {any} person who looks at them
 * @property {import("./mentions.js").Names} names
 * @property {string} [ts] the message they are in
 * @property {Record<string, string>} [errors] by block_id, in a modal
 */

const BLOCKS = {
  actions: (block, context) => el("div", { class: "actions" }, used(block, context)),
  context: (block, context) =>
    el(
      "div",
      { class: "context" },
      (block.elements ?? []).map((part) => aside(part, context)),
    ),
  context_actions: (block, context) => el("div", { class: "actions quiet" }, used(block, context)),
  data_table: dataTable,
  data_visualization: chart,
  divider: () => el("hr"),
  header: (block) => el("p", { class: "heading heading-1", role: "heading", "aria-level": "3" }, plain(block.text)),
  image: (block) => image(block),
  input,
  markdown: (block, context) => el("div", { class: "markdown" }, markdown(block.text ?? "", context.names)),
  rich_text: (block, context) => richText(block, context.names),
  section,
  table,
};

/** @param {any[]} list @param {Context} context */
export function blocks(list, context) {
  return list.map((block) => {
    const draw = Object.hasOwn(BLOCKS, block.type) ? BLOCKS[block.type] : unknown;
    return el("div", { class: `block block-${draw === unknown ? "unknown" : block.type}` }, draw(block, context));
  });
}

/** An image is described and linked, not loaded: the page asks no one but the sandbox for anything. */
function image(block) {
  const name = plain(block.title) || block.alt_text || "Image";
  const address = block.image_url ?? block.slack_file?.url;
  return el(
    "figure",
    { class: "image" },
    icon("image"),
    el(
      "figcaption",
      {},
      address ? link(address, name) : name,
      plain(block.title) && block.alt_text ? el("small", {}, block.alt_text) : null,
    ),
  );
}

function section(block, context) {
  const fields = (block.fields ?? []).map((field) => el("div", {}, text(field, context)));
  return el(
    "div",
    { class: "section" },
    el(
      "div",
      { class: "section-text" },
      block.text && el("div", {}, text(block.text, context)),
      fields.length ? el("div", { class: "fields" }, fields) : null,
    ),
    block.accessory &&
      (block.accessory.type === "image" ? image(block.accessory) : element(block.accessory, block, context)),
  );
}

function aside(part, context) {
  if (part.type !== "image") return el("span", {}, text(part, context));
  return el(
    "span",
    { class: "context-image", role: "img", "aria-label": part.alt_text ?? "Image", title: part.alt_text },
    icon("image"),
  );
}

function used(block, context) {
  return (block.elements ?? []).map((part) => element(part, block, context));
}

function input(block, context) {
  const problem = context.errors?.[block.block_id];
  const described = `about-${block.block_id}`;
  const grouped = ["checkboxes", "radio_buttons"].includes(block.element?.type);
  return el(
    grouped ? "fieldset" : "label",
    { class: problem ? "field field-wrong" : "field" },
    el(
      grouped ? "legend" : "span",
      { class: "field-label" },
      plain(block.label),
      block.optional ? el("small", {}, " optional") : null,
    ),
    element(block.element ?? {}, block, {
      ...context,
      input: { required: !block.optional, described, wrong: Boolean(problem) },
    }),
    el(
      "span",
      { class: "field-about", id: described },
      problem ? el("strong", { role: "alert" }, problem) : plain(block.hint),
    ),
  );
}

function unknown(block) {
  return el("p", {}, `A block of type ${block.type}`);
}
