/** Building and changing DOM nodes. Text only ever becomes text nodes, never HTML. */

const SVG = "http://www.w3.org/2000/svg";
const LINKABLE = new Set(["http:", "https:", "mailto:"]);

/**
 * An element with attributes (null, undefined and false: none) and children (strings become text).
 * @param {string} tag
 * @param {Record<string, any>} [attributes] functions are event listeners: {onclick: ...}
 * @param {...any} children nodes, strings, arrays of them; null and false are left out
 */
export function el(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** The same for SVG. */
export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** A link that opens elsewhere; only its content where the address is none we let people follow. */
export function link(address, ...content) {
  const href = safeAddress(address);
  if (href === null) return el("span", { class: "unlinked" }, ...content);
  return el("a", { href, target: "_blank", rel: "noopener noreferrer", title: href }, ...content);
}

/** The address if it is absolute and of the web or mail, else null. */
export function safeAddress(address) {
  try {
    const url = new URL(address);
    return LINKABLE.has(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

/**
 * Make `old` look like `fresh`, touching only what differs, so that focus, selection and scroll stay.
 * Elements with the same `data-from` are the same thing with a life of its own (a sorted table), and kept as they are.
 * @returns {Node} the node that now stands there
 */
export function patch(old, fresh) {
  if (old.isEqualNode(fresh)) return old;
  if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName) return replace(old, fresh);
  if (old.nodeType === Node.TEXT_NODE) {
    if (fresh.data.startsWith(old.data)) old.appendData(fresh.data.slice(old.data.length));
    else old.data = fresh.data;
    return old;
  }
  if (old.dataset?.from || fresh.dataset?.from) {
    return old.dataset.from === fresh.dataset.from ? old : replace(old, fresh);
  }
  patchAttributes(old, fresh);
  patchChildren(old, [...fresh.childNodes]);
  return old;
}

/** Make the children of `parent` look like `fresh`, one by one. */
export function patchChildren(parent, fresh) {
  const old = [...parent.childNodes];
  fresh.forEach((child, number) => (number < old.length ? patch(old[number], child) : parent.append(child)));
  for (const extra of old.slice(fresh.length)) extra.remove();
}

function replace(old, fresh) {
  old.replaceWith(fresh);
  return fresh;
}

function patchAttributes(old, fresh) {
  for (const { name } of [...old.attributes]) {
    if (!fresh.hasAttribute(name) && !(name === "open" && old.nodeName === "DETAILS")) old.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  }
}

/** Let `parent` hold exactly these nodes in this order, moving as few as possible. */
export function arrange(parent, nodes) {
  const wanted = new Set(nodes);
  for (const child of [...parent.childNodes]) if (!wanted.has(child)) child.remove();
  let place = parent.firstChild;
  for (const node of nodes) {
    if (node === place) place = place.nextSibling;
    else parent.insertBefore(node, place);
  }
}

/** A short name for a value, the same for the same JSON: for `data-from`. */
export function fingerprint(value) {
  let hash = 2166136261;
  for (const character of JSON.stringify(value)) hash = Math.imul(hash ^ character.codePointAt(0), 16777619);
  return (hash >>> 0).toString(36);
}
