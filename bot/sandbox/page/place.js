/** Where a person is: who they are, which channel and thread they look at. Kept in the address: #/ada/general/123.45 */

const SIDE_BY_SIDE = matchMedia("(min-width: 62rem)");

/** Whether channel and thread fit beside each other. */
export function isWide() {
  return SIDE_BY_SIDE.matches;
}

/**
 * @typedef {object} Place
 * @property {any} person
 * @property {any} channel the channel, or null: the list of channels on a narrow screen
 * @property {string} thread the ts of the open thread, or ""
 * @property {boolean} home whether the app's Home tab shows instead of its messages
 */

/**
 * The place an address speaks of; what it does not say, or says wrongly, is filled in.
 * @param {string} hash
 * @param {import("./state.js").State} state
 * @returns {Place}
 */
export function readPlace(hash, state) {
  const [name, where, what] = hash.replace(/^#\/?/, "").split("/").map(decoded);
  const person = state.actors.find((one) => one.name === name) ?? state.actors[0];
  const channels = state.channelsOf(person.id);
  const isApp = where === "parley" || where === "home";
  const asked = channels.find((one) => (isApp ? one.kind === "im" : one.kind !== "im" && one.name === where));
  const first = isWide() || !name ? (channels.find((one) => one.name === "general") ?? channels[0]) : null;
  const channel = where === undefined || (where && !asked) ? first : (asked ?? first);
  return { person, channel: channel ?? null, thread: (channel === asked && what) || "", home: where === "home" };
}

/** @param {Place} place */
export function writePlace({ person, channel, thread, home }) {
  const where = channel?.kind === "im" ? (home ? "home" : "parley") : (channel?.name ?? "");
  const parts = [person.name, where, home ? "" : thread];
  while (parts.length > 1 && !parts.at(-1)) parts.pop();
  return `#/${parts.map(encodeURIComponent).join("/")}${parts.length === 1 ? "/" : ""}`;
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
