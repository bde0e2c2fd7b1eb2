/** Block Kit's interactive elements: https://docs.slack.dev/reference/block-kit/block-elements */

import { el, safeAddress } from "./dom.js";
import { icon } from "./icons.js";
import { nameOf } from "./people.js";
import { plain, text } from "./text.js";

const INPUT_TYPES = {
  datepicker: "date",
  datetimepicker: "datetime-local",
  email_text_input: "email",
  number_input: "number",
  plain_text_input: "text",
  timepicker: "time",
  url_text_input: "url",
};
const INITIAL = { datepicker: "initial_date", timepicker: "initial_time" };

/**
 * One element, marked with where it is so that interact.js finds it: data-block, data-action, data-kind.
 * @param {import("./blocks.js").Context & {input?: {required: boolean, described: string, wrong: boolean}}} context
 */
export function element(given, block, context) {
  const marks = { "data-block": block.block_id, "data-action": given.action_id ?? "", "data-kind": given.type };
  if (given.type in INPUT_TYPES) return typed(given, marks, context);
  switch (given.type) {
    case "button":
    case "workflow_button":
      return button(given, marks);
    case "icon_button":
      return el(
        "button",
        { type: "button", class: "plain", ...marks, title: plain(given.text), "aria-label": plain(given.text) },
        icon(given.icon),
      );
    case "feedback_buttons":
      return feedback(given, marks, context.state.feedback.get(context.ts));
    case "checkboxes":
    case "radio_buttons":
      return choices(given, marks, context);
    case "overflow":
      return select({ ...given, placeholder: { text: "⋯" } }, marks, context, optionsOf(given));
    case "static_select":
    case "multi_static_select":
      return select(given, marks, context, optionsOf(given));
    case "users_select":
    case "multi_users_select":
      return select(given, marks, context, [
        ["", [...context.state.people.values()].map((one) => [one.id, nameOf(one)])],
      ]);
    case "channels_select":
    case "conversations_select":
    case "multi_channels_select":
    case "multi_conversations_select":
      return select(given, marks, context, [["", channelsFor(context).map((one) => [one.id, `#${one.name}`])]]);
    default:
      return el("span", { class: "unlinked" }, `${given.type} is not shown here`);
  }
}

function button(given, marks) {
  const attributes = { class: `button ${given.style ?? ""}`, ...marks, "aria-label": given.accessibility_label };
  const href = given.url && safeAddress(given.url);
  if (href) return el("a", { ...attributes, href, target: "_blank", rel: "noopener noreferrer" }, plain(given.text));
  return el("button", { type: "button", ...attributes }, plain(given.text));
}

function feedback(given, marks, pressed) {
  const one = (side, shape) => {
    const label = given[side].accessibility_label ?? plain(given[side].text);
    const { value } = given[side];
    const attributes = { type: "button", class: "plain", ...marks, value, title: label, "aria-label": label };
    return el("button", { ...attributes, "aria-pressed": String(pressed === value) }, icon(shape));
  };
  return el(
    "span",
    { class: "feedback", role: "group", "aria-label": "Feedback" },
    one("positive_button", "thumb_up"),
    one("negative_button", "thumb_down"),
  );
}

function typed(given, marks, { input }) {
  const attributes = {
    ...marks,
    "aria-label": input ? null : plain(given.placeholder) || given.type.replaceAll("_", " "),
    placeholder: plain(given.placeholder) || null,
    minlength: given.min_length,
    maxlength: given.max_length,
    min: given.min_value,
    max: given.max_value,
    step: given.type === "number_input" ? (given.is_decimal_allowed ? "any" : "1") : null,
    autofocus: given.focus_on_load,
    ...asked(input),
  };
  const initial = given[INITIAL[given.type] ?? "initial_value"] ?? "";
  if (given.multiline) return el("textarea", { ...attributes, rows: 4 }, initial);
  const local = given.initial_date_time ? localTime(given.initial_date_time) : initial;
  return el("input", { type: INPUT_TYPES[given.type], value: local || null, ...attributes });
}

function asked(input) {
  if (!input) return {};
  return { required: input.required, "aria-describedby": input.described, "aria-invalid": input.wrong ? "true" : null };
}

function choices(given, marks, context) {
  const multiple = given.type === "checkboxes";
  const chosen = new Set((multiple ? (given.initial_options ?? []) : [given.initial_option]).map((one) => one?.value));
  const name = `${marks["data-block"]}-${marks["data-action"]}`;
  const rows = given.options.map((option) =>
    el(
      "label",
      { class: "choice" },
      el("input", {
        type: multiple ? "checkbox" : "radio",
        name,
        value: option.value,
        checked: chosen.has(option.value),
        required: !multiple && context.input?.required,
      }),
      el(
        "span",
        {},
        text(option.text, context),
        option.description ? el("small", {}, text(option.description, context)) : null,
      ),
    ),
  );
  return el("span", { class: "choices", role: "group", ...marks }, rows);
}

/** Groups of [value, label]. */
function optionsOf(given) {
  const groups = given.option_groups ?? [{ options: given.options ?? [] }];
  return groups.map((group) => [plain(group.label), group.options.map((option) => [option.value, plain(option.text)])]);
}

function channelsFor({ state, person }) {
  return state.channelsOf(person.id).filter((channel) => channel.kind !== "im");
}

function select(given, marks, { input }, groups) {
  const multiple = given.type.startsWith("multi_");
  const initial = [
    given.initial_option?.value,
    given.initial_user,
    given.initial_channel,
    given.initial_conversation,
    ...(given.initial_options ?? []).map((option) => option.value),
    ...(given.initial_users ?? []),
  ];
  const made = groups.map(([label, options]) => {
    const rows = options.map(([value, name]) => el("option", { value, selected: initial.includes(value) }, name));
    return label ? el("optgroup", { label }, rows) : rows;
  });
  const hint = plain(given.placeholder) || "Choose";
  const empty = el("option", { value: "", selected: !initial.some(Boolean) }, hint);
  const label = given.type === "overflow" ? "More" : hint;
  const attributes = { ...marks, multiple, "aria-label": input ? null : label, class: given.type, ...asked(input) };
  return el("select", attributes, multiple ? null : empty, made);
}

/** Seconds since the epoch as a datetime-local input has it. */
function localTime(seconds) {
  const time = new Date((seconds - new Date(seconds * 1000).getTimezoneOffset() * 60) * 1000);
  return time.toISOString().slice(0, 16);
}
