/** One message: who, when, what, and what hangs on it. Buttons say in `data-do` what they do; list.js listens. */

import { blocks } from "./blocks.js";
import { el } from "./dom.js";
import { emoji, REACTIONS } from "./emoji.js";
import { icon } from "./icons.js";
import { mrkdwn } from "./mrkdwn.js";
import { avatar, nameOf } from "./people.js";

const TIME = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const TASKS = { pending: "○", in_progress: "◐", complete: "●", error: "✕" };

/**
 * @param {any} message Slack's message object
 * @param {import("./blocks.js").Context & {compact: boolean, inThread: boolean, editing: boolean}} context
 */
export function drawMessage(message, context) {
  const author = context.state.person(message.user);
  const within = { ...context, ts: message.ts };
  const classes = [
    "message",
    context.compact && "compact",
    message.only_for && "ephemeral",
    message.subtype === "tombstone" && "gone",
  ];
  return el(
    "li",
    { class: classes.filter(Boolean).join(" "), "data-ts": message.ts, tabindex: "-1" },
    el("div", { class: "gutter" }, context.compact ? el("time", {}, timeOf(message.ts)) : avatar(author)),
    el(
      "div",
      { class: "content" },
      message.only_for ? onlyForYou() : null,
      head(message, author),
      context.editing ? editor(message) : body(message, within),
      reactions(message, context),
      context.inThread ? null : summary(message, context),
    ),
    context.editing || message.only_for || message.subtype === "tombstone" ? null : toolbar(message, context),
  );
}

export function timeOf(ts) {
  return TIME.format(new Date(Number(ts) * 1000));
}

function onlyForYou() {
  return el(
    "p",
    { class: "only-for-you" },
    icon("eye"),
    "Only visible to you ",
    el("button", { type: "button", class: "plain", "data-do": "dismiss" }, "Dismiss"),
  );
}

function head(message, author) {
  return el(
    "div",
    { class: "head" },
    el("strong", { class: "author" }, nameOf(author) || message.username || "Slackbot"),
    author?.is_bot ? el("span", { class: "badge" }, "App") : null,
    author?.is_stranger ? el("span", { class: "badge badge-stranger" }, "Another company") : null,
    el("time", { datetime: new Date(Number(message.ts) * 1000).toISOString() }, timeOf(message.ts)),
  );
}

function body(message, context) {
  const made = message.blocks?.length
    ? blocks(message.blocks, context)
    : message.text
      ? [el("p", {}, mrkdwn(message.text, context.names))]
      : [];
  const growing = message.streaming_state === "in_progress";
  return el(
    "div",
    { class: growing ? "body growing" : "body", "aria-busy": growing ? "true" : null },
    tasks(message.chunks ?? []),
    made,
    (message.attachments ?? []).map((one) => attachment(one, context)),
    message.files?.length
      ? el(
          "ul",
          { class: "files" },
          message.files.map((one) => el("li", {}, file(one, context))),
        )
      : null,
    message.edited && message.user !== context.state.bot.user ? el("small", { class: "edited" }, "(edited)") : null,
  );
}

function tasks(chunks) {
  const known = chunks.filter((chunk) => chunk.type === "task_update" || chunk.type === "plan_update");
  if (!known.length) return null;
  return el(
    "ul",
    { class: "tasks" },
    known.map((chunk) =>
      el(
        "li",
        { class: `task-${chunk.status ?? "plan"}` },
        el("span", { "aria-hidden": "true" }, TASKS[chunk.status] ?? "▸"),
        ` ${chunk.title}`,
        chunk.details ? el("small", {}, ` ${chunk.details}`) : null,
      ),
    ),
  );
}

function attachment(given, context) {
  const inside = given.blocks?.length
    ? blocks(given.blocks, context)
    : mrkdwn(given.text ?? given.fallback ?? "", context.names);
  return el("div", { class: "attachment" }, given.title ? el("strong", {}, given.title) : null, inside);
}

function file(given, { state }) {
  if (given.file_access === "check_file_info")
    return el("span", { class: "file" }, icon("file"), "A file from another company");
  if (!given.name) return el("span", { class: "file" }, icon("file"), "This file is gone");
  const address = `${new URL(given.url_private).pathname}?viewer=${encodeURIComponent(state.viewer)}`;
  if (given.is_external) return el("span", { class: "file" }, icon("file"), given.name);
  const isPicture = given.mimetype.startsWith("image/") && given.mimetype !== "image/svg+xml";
  const label = [
    el("span", { class: "file-name" }, given.title || given.name),
    el("small", {}, `${given.pretty_type}, ${sizeOf(given.size)}`),
  ];
  return el(
    "a",
    {
      class: isPicture ? "file picture" : "file",
      href: address,
      target: "_blank",
      rel: "noopener",
      download: isPicture ? null : given.name,
    },
    isPicture ? el("img", { src: address, alt: given.alt_txt ?? given.name, loading: "lazy" }) : icon("file"),
    el("span", {}, label),
  );
}

export function sizeOf(bytes) {
  if (bytes < 1024) return `${bytes} bytes`;
  return bytes < 1024 * 1024 ? `${Math.round(bytes / 1024)} kB` : `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}

function reactions(message, { state, person }) {
  if (!message.reactions?.length) return null;
  return el(
    "div",
    { class: "reactions" },
    message.reactions.map(({ name, users, count }) => {
      const who = users.map((id) => nameOf(state.person(id)) || id).join(", ");
      return el(
        "button",
        {
          type: "button",
          class: "reaction",
          "data-do": "react",
          value: name,
          "aria-pressed": String(users.includes(person.id)),
          title: `${who}: :${name}:`,
        },
        emoji(name) ?? `:${name}:`,
        " ",
        String(count),
      );
    }),
  );
}

/** How the thread stands: a button that opens it. */
function summary(message, { state }) {
  const replies = state.replies(message.channel, message.ts);
  const status = state.status(message.channel, message.ts);
  if (!replies.length && !status) return null;
  const authors = [...new Set(replies.map((reply) => reply.user))].slice(0, 4);
  const count = replies.length === 1 ? "1 reply" : `${replies.length} replies`;
  return el(
    "button",
    { type: "button", class: "summary", "data-do": "thread" },
    authors.map((id) => avatar(state.person(id), "tiny")),
    replies.length ? el("span", { class: "count" }, count) : null,
    status
      ? el("span", { class: "status" }, statusText(status, state))
      : el("small", {}, `last at ${timeOf(replies.at(-1).ts)}`),
  );
}

/** "parley is thinking…": the app's name goes before what it says of itself. */
export function statusText(status, state) {
  return `${state.bot.name} ${status.status}`;
}

function toolbar(message, { state, person, inThread }) {
  const own = message.user === person.id;
  const tool = (what, label, shape, value) =>
    el("button", { type: "button", class: "plain", "data-do": what, value, title: label, "aria-label": label }, shape);
  return el(
    "div",
    { class: "toolbar", role: "group", "aria-label": "Message" },
    REACTIONS.slice(0, 3).map((name) => tool("react", `React with ${name}`, emoji(name), name)),
    inThread ? null : tool("thread", "Reply in the thread", icon("reply")),
    own ? tool("edit", "Edit", icon("edit")) : null,
    own || (person.is_admin && message.user !== state.bot.user) ? tool("delete", "Delete", icon("trash")) : null,
  );
}

function editor(message) {
  return el(
    "form",
    { class: "editor", "data-do": "save" },
    el("textarea", { name: "text", rows: 3, "aria-label": "Edit the message" }, editable(message)),
    el(
      "div",
      { class: "actions" },
      el("button", { type: "button", class: "button", "data-do": "cancel" }, "Cancel"),
      el("button", { type: "submit", class: "button primary" }, "Save"),
    ),
  );
}

/** The text as it was typed: mentions stay tokens, which the sandbox's composer knows too. */
function editable(message) {
  return (message.text ?? "").replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}
