/** Using interactive elements: what was chosen, in Slack's form, and telling the app. */

import { notify } from "./announce.js";
import { act } from "./control.js";
import { el } from "./dom.js";
import { plain } from "./text.js";

const SELECTED = {
  channels_select: "selected_channel",
  conversations_select: "selected_conversation",
  datepicker: "selected_date",
  multi_channels_select: "selected_channels",
  multi_conversations_select: "selected_conversations",
  multi_users_select: "selected_users",
  timepicker: "selected_time",
  users_select: "selected_user",
};
const BUTTONS = new Set(["button", "feedback_buttons", "icon_button", "workflow_button"]);

/**
 * Let the elements within `root` work. `holder(target)` says what they are in: its blocks, whose it is, and how the
 * control endpoint finds it ({channel, ts} or {view_id}).
 * @param {HTMLElement} root
 * @param {(target: HTMLElement) => {user: string, blocks: any[], address: object, onFeedback?: Function} | null} holder
 */
export function listen(root, holder) {
  root.addEventListener("click", (event) => {
    const target = event.target.closest("[data-action]");
    if (target && BUTTONS.has(target.dataset.kind)) use(target, holder(target));
  });
  root.addEventListener("change", (event) => {
    const target = event.target.closest("[data-action]");
    if (target && !BUTTONS.has(target.dataset.kind)) use(target, holder(target));
  });
}

async function use(target, held) {
  const block = held?.blocks.find((one) => one.block_id === target.dataset.block);
  if (!block || (block.type === "input" && !block.dispatch_action)) return;
  const given = elementsOf(block).find((one) => (one.action_id ?? "") === target.dataset.action);
  if (given?.confirm && !(await confirmed(given.confirm))) return;
  const value = BUTTONS.has(target.dataset.kind) ? target.value || null : chosen(target);
  if (target.dataset.kind === "overflow") target.value = "";
  target.setAttribute("aria-busy", "true");
  try {
    await act("click", {
      user: held.user,
      action_id: given.action_id,
      block_id: block.block_id,
      value,
      ...held.address,
    });
    if (target.dataset.kind === "feedback_buttons") held.onFeedback?.(value);
  } catch (problem) {
    if (problem.status !== 504) notify(problem.message);
  } finally {
    target.removeAttribute("aria-busy");
  }
}

function elementsOf(block) {
  return [...(block.elements ?? []), block.accessory, block.element].filter(Boolean);
}

/** The value, or the values of several, that a select, picker, checkboxes or radio buttons have now. */
function chosen(target) {
  if (target.dataset.kind === "checkboxes")
    return [...target.querySelectorAll("input:checked")].map((box) => box.value);
  if (target.dataset.kind === "radio_buttons") return target.querySelector("input:checked")?.value ?? null;
  if (target.multiple) return [...target.selectedOptions].map((option) => option.value);
  if (target.dataset.kind === "datetimepicker") return target.value ? new Date(target.value).getTime() / 1000 : null;
  return target.value || null;
}

/**
 * The values of a view's elements, as Slack's `view.state.values` has them.
 * @param {HTMLElement} root
 * @param {any[]} blocks
 */
export function values(root, blocks) {
  const found = {};
  for (const target of root.querySelectorAll("[data-action]")) {
    const block = blocks.find((one) => one.block_id === target.dataset.block);
    const given = block && elementsOf(block).find((one) => (one.action_id ?? "") === target.dataset.action);
    if (!given || BUTTONS.has(given.type) || given.type === "overflow") continue;
    found[block.block_id] ??= {};
    found[block.block_id][given.action_id ?? ""] = { type: given.type, ...selected(given, chosen(target)) };
  }
  return found;
}

function selected(given, value) {
  const options = (given.option_groups ?? [given]).flatMap((group) => group.options ?? []);
  switch (given.type) {
    case "static_select":
    case "radio_buttons":
      return { selected_option: options.find((option) => option.value === value) ?? null };
    case "multi_static_select":
    case "checkboxes":
      return { selected_options: options.filter((option) => value.includes(option.value)) };
    case "datetimepicker":
      return { selected_date_time: value };
    default:
      return { [SELECTED[given.type] ?? "value"]: value };
  }
}

/** Ask as the element's `confirm` object wants it. */
function confirmed(confirm) {
  const dialog = el(
    "dialog",
    { class: "modal small", "aria-labelledby": "confirm-title" },
    el(
      "form",
      { method: "dialog" },
      el("h2", { id: "confirm-title" }, plain(confirm.title)),
      el("p", {}, plain(confirm.text)),
      el(
        "div",
        { class: "modal-buttons" },
        el("button", { class: "button", value: "no" }, plain(confirm.deny) || "Cancel"),
        el("button", { class: `button ${confirm.style ?? "primary"}`, value: "yes" }, plain(confirm.confirm) || "Yes"),
      ),
    ),
  );
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
  });
}
