/** Where people write: text, slash commands, files. Enter sends, Shift+Enter begins a line. */

import { notify } from "./announce.js";
import { Completion } from "./completion.js";
import { act } from "./control.js";
import { el } from "./dom.js";
import { icon } from "./icons.js";
import { sizeOf } from "./message.js";

const LARGEST_FILE = 30 * 1024 * 1024;

export class Composer {
  /**
   * @param {HTMLElement} root
   * @param {object} options
   * @param {() => any[]} options.people who may be mentioned
   * @param {(ts: string, text: string) => void} options.onSent
   * @param {() => void} options.leave Escape, or arrow up in an empty field
   */
  constructor(root, options) {
    this.options = options;
    this.drafts = new Map();
    this.files = [];
    this.field = el("textarea", { rows: 1, spellcheck: "false" });
    this.completion = new Completion(this.field, options.people);
    this.chosen = el("ul", { class: "chosen-files", "aria-label": "Files to send" });
    this.picker = el("input", {
      type: "file",
      multiple: true,
      class: "visually-hidden",
      tabindex: "-1",
      "aria-label": "Choose files",
    });
    const attach = el(
      "button",
      {
        type: "button",
        class: "plain",
        title: "Attach files",
        "aria-label": "Attach files",
        onclick: () => this.picker.click(),
      },
      icon("attach"),
    );
    this.send = el("button", { type: "submit", class: "send", title: "Send", "aria-label": "Send" }, icon("send"));
    this.form = el(
      "form",
      { class: "composer" },
      this.chosen,
      this.completion.list,
      el("div", { class: "composer-row" }, attach, this.picker, this.field, this.send),
    );
    root.append(this.form);
    this.form.addEventListener("submit", (event) => this.#submit(event));
    this.field.addEventListener("keydown", (event) => this.#key(event));
    this.field.addEventListener("input", () => this.#fit());
    this.field.addEventListener("paste", (event) => this.#take(event.clipboardData.files));
    this.picker.addEventListener("change", () => {
      this.#take(this.picker.files);
      this.picker.value = "";
      this.field.focus();
    });
    this.form.addEventListener("dragover", (event) => event.preventDefault());
    this.form.addEventListener("drop", (event) => {
      event.preventDefault();
      this.#take(event.dataTransfer.files);
    });
  }

  /**
   * @param {{person: any, channel: any, thread: string}} where it is sent to
   * @param {string} placeholder
   * @param {boolean} [enabled]
   */
  draw(where, placeholder, enabled = true) {
    const key = [where.person.id, where.channel.id, where.thread].join("/");
    if (key !== this.key) {
      if (this.key) this.drafts.set(this.key, { text: this.field.value, files: this.files });
      const draft = this.drafts.get(key) ?? { text: "", files: [] };
      this.key = key;
      this.field.value = draft.text;
      this.files = draft.files;
      this.completion.close();
      this.#drawFiles();
      this.#fit();
    }
    this.where = where;
    this.field.placeholder = placeholder;
    this.field.setAttribute("aria-label", placeholder);
    this.field.disabled = this.send.disabled = !enabled;
  }

  focus() {
    this.field.focus();
  }

  /** Put a text there for a person to send or to change. */
  write(text) {
    this.field.value = text;
    this.#fit();
    this.focus();
  }

  async #submit(event) {
    event.preventDefault();
    const text = this.field.value.trim();
    const { files, where } = this;
    if (!text && !files.length) return;
    this.files = [];
    this.field.value = "";
    this.#drawFiles();
    this.#fit();
    try {
      const ts = await deliver(where, text, files);
      if (ts) this.options.onSent(ts, text);
    } catch (problem) {
      if (problem.status === 504) return;
      notify(problem.message);
      if (this.where === where && !this.field.value) {
        this.files = files;
        this.#drawFiles();
        this.write(text);
      }
    }
  }

  #key(event) {
    if (this.completion.key(event) || event.isComposing) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      this.form.requestSubmit();
    } else if (event.key === "Escape" || (event.key === "ArrowUp" && !this.field.value)) {
      event.preventDefault();
      this.options.leave(event.key);
    }
  }

  #take(list) {
    for (const file of list) {
      if (file.size > LARGEST_FILE) notify(`${file.name} is larger than ${sizeOf(LARGEST_FILE)}.`);
      else this.files = [...this.files, file];
    }
    this.#drawFiles();
  }

  #drawFiles() {
    this.chosen.replaceChildren(
      ...this.files.map((file) => {
        const drop = () => {
          this.files = this.files.filter((other) => other !== file);
          this.#drawFiles();
          this.field.focus();
        };
        const label = `Do not send ${file.name}`;
        return el(
          "li",
          {},
          icon("file"),
          el("span", {}, file.name),
          el("small", {}, sizeOf(file.size)),
          el(
            "button",
            { type: "button", class: "plain", title: label, "aria-label": label, onclick: drop },
            icon("close"),
          ),
        );
      }),
    );
    this.chosen.hidden = !this.files.length;
  }

  /** As many lines as the text has, up to ten. */
  #fit() {
    this.field.rows = Math.min(10, this.field.value.split("\n").length);
  }
}

/** Send it; the ts of the message, or "" for a command. */
async function deliver({ person, channel, thread }, text, files) {
  const to = { user: person.id, channel: channel.id };
  const command = /^(\/[^\s/]+)(?:\s+([^]*))?$/.exec(text);
  if (command && !files.length && !thread) {
    await act("command", { ...to, command: command[1], text: command[2] ?? "" });
    return "";
  }
  const place = thread ? { ...to, thread_ts: thread } : to;
  if (!files.length) return (await act("say", { ...place, text })).ts;
  const encoded = await Promise.all(files.map(async (file) => ({ name: file.name, content: await base64(file) })));
  return (await act("upload", { ...place, text, files: encoded })).ts;
}

/** @param {File} file */
function base64(file) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => resolve(String(reader.result).split(",")[1] ?? ""));
    reader.addEventListener("error", () => reject(reader.error));
    reader.readAsDataURL(file);
  });
}
