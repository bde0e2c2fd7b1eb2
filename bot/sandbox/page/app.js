/** The page as a whole: the feed fills the state, the address says where one is, and both are drawn. */

import { announce, notify } from "./announce.js";
import { ChannelPane, mentionable } from "./channel.js";
import { act } from "./control.js";
import { follow } from "./feed.js";
import { icon } from "./icons.js";
import { statusText } from "./message.js";
import { Modal } from "./modal.js";
import { Panel } from "./panel.js";
import { nameOf } from "./people.js";
import { isWide, readPlace, writePlace } from "./place.js";
import { Sidebar } from "./sidebar.js";
import { State } from "./state.js";
import { ThreadPane } from "./thread.js";

const SPOKEN = 160;
const find = (id) => document.getElementById(id);

const state = new State();
/** @type {import("./place.js").Place} */
let place;
let drawing = 0;

const page = { people: () => mentionable(state, place.channel), go, onSent: sent, redraw };
const sidebar = new Sidebar(find("sidebar"), go);
const channel = new ChannelPane(find("channel"), page);
const thread = new ThreadPane(find("thread"), page);
const panel = new Panel(find("panel"), () => togglePanel(false));
const modal = new Modal(document.body);

find("panel-button").prepend(icon("bolt"));
find("panel-button").addEventListener("click", () => togglePanel(find("panel").hidden));
find("panel").addEventListener("keydown", (event) => {
  if (event.key === "Escape") togglePanel(false);
});
window.addEventListener("hashchange", moved);
matchMedia("(min-width: 62rem)").addEventListener("change", moved);
setInterval(() => panel.tick(), 500);
follow(changed, (connected) => {
  state.connected = connected;
  redraw();
});

/** One event of the feed. */
function changed(kind, data) {
  if (kind === "message" || kind === "ephemeral") speak(data);
  if (kind === "status" && data.status && data.channel === place?.channel?.id) announce(statusText(data, state));
  if (kind === "problem" && data.user === place?.person.id) notify(data.text);
  state.apply(kind, data);
  if (kind === "snapshot") arrive();
  redraw();
}

function speak(message) {
  const known = state.message(message.channel, message.ts);
  if (known || !place || message.user === place.person.id || (message.only_for && message.only_for !== place.person.id))
    return;
  if (message.channel !== place.channel?.id) {
    for (const person of state.actors) state.unread.add(`${person.id}/${message.channel}`);
  }
  if (isOpen(message)) announce(`${nameOf(state.person(message.user))}: ${(message.text ?? "").slice(0, SPOKEN)}`);
}

/** Whether what belongs to a channel, or to a thread of it, is on the screen. */
function isOpen({ channel: id, thread_ts: ts }) {
  return place?.channel?.id === id && (!ts || ts === place.thread);
}

/** Begin where the address says; without one, at the newest thread there is. */
function arrive() {
  const begins = !place;
  place = readPlace(location.hash, state);
  if (begins && !place.thread && place.channel && isWide()) {
    const parents = state
      .inChannel(place.channel.id, place.person.id)
      .filter((one) => state.replies(one.channel, one.ts).length);
    place.thread = parents.at(-1)?.ts ?? "";
  }
  history.replaceState(null, "", writePlace(place));
  openTab({});
}

function moved() {
  if (!state.loaded) return;
  const before = place;
  place = readPlace(location.hash, state);
  openTab(before);
  redraw();
}

/** The app hears which of its tabs someone opens. */
function openTab(before) {
  const { person, channel: now, home } = place;
  if (now?.kind !== "im" || (before.channel?.id === now.id && before.home === home)) return;
  act("home", { user: person.id, tab: home ? "home" : "messages" }).catch((problem) => notify(problem.message));
}

/**
 * Go elsewhere. `channel` is an id or null, `name` another person to be, `focus` the pane that gets the focus.
 * @param {{name?: string, channel?: string | null, thread?: string, home?: boolean, focus?: string}} change
 */
function go(change) {
  const left = place.thread;
  const next = { ...place };
  if (change.name) next.person = state.personNamed(change.name);
  if (change.name && place.channel?.kind === "im") next.channel = state.direct(next.person.id);
  if (change.name && next.channel !== place.channel) next.thread = "";
  if (change.channel !== undefined)
    Object.assign(next, { channel: state.channels.get(change.channel) ?? null, thread: "", home: false });
  if (change.thread !== undefined) next.thread = change.thread;
  if (change.home !== undefined) next.home = change.home;
  if (next.channel && !next.channel.members.includes(next.person.id))
    Object.assign(next, { channel: null, thread: "" });
  if (next.home) next.thread = "";
  const address = writePlace(next);
  if (address !== location.hash) history.pushState(null, "", address);
  moved();
  draw();
  if (change.focus === "thread") thread.composer.focus();
  else if (change.focus === "channel") channel.list.focus(left);
  else if (change.channel) channel.home.hidden ? channel.composer.focus() : channel.home.focus();
  else if (change.channel === null) find("sidebar").querySelector("[data-channel]")?.focus();
}

/** A message for the app is answered in its thread: open it where there is room. */
function sent(ts, text) {
  channel.list.toEnd();
  const direct = place.channel?.kind === "im";
  const asks = text.toLowerCase().includes(`@${state.bot.name}`) || text.includes(`<@${state.bot.user}>`);
  if ((direct || asks) && isWide()) {
    go({ thread: ts });
    channel.composer.focus();
  }
}

function togglePanel(open) {
  find("panel").hidden = !open;
  find("panel-button").setAttribute("aria-expanded", String(open));
  document.body.classList.toggle("with-panel", open);
  draw();
  (open ? find("panel").querySelector("button") : find("panel-button")).focus();
}

/** Draw once before the next frame, however much has happened. */
function redraw() {
  drawing ||= requestAnimationFrame(draw);
}

function draw() {
  cancelAnimationFrame(drawing);
  drawing = 0;
  find("connection").hidden = state.connected || !state.loaded;
  if (!state.loaded) return;
  if (place.channel) place.channel = state.channels.get(place.channel.id) ?? place.channel;
  place.person = state.person(place.person.id) ?? place.person;
  const { person } = place;
  state.unread.delete(`${person.id}/${place.channel?.id}`);
  const names = {
    user: (id) => nameOf(state.person(id)) || undefined,
    channel: (id) => state.channels.get(id)?.name,
    me: person.id,
  };
  const context = { state, person, names };
  document.body.dataset.pane = !place.channel ? "list" : place.thread ? "thread" : "channel";
  document.title = `${place.channel ? (place.channel.kind === "im" ? state.bot.name : `#${place.channel.name}`) : "Conversations"} · Parley's sandbox`;
  sidebar.draw(state, place);
  find("channel").hidden = !place.channel;
  find("thread").hidden = !place.thread;
  if (place.channel) channel.draw(place, context);
  if (place.thread) thread.draw(place, context);
  modal.draw(context);
  panel.draw(state);
}
