/** The page's icons: strokes on a 24 x 24 grid, hidden from screen readers (what they stand on has a label). */

import { svg } from "./dom.js";

const PATHS = {
  attach: ["M20 11.5 12.2 19.3a5 5 0 0 1-7.1-7.1l8.2-8.2a3.3 3.3 0 0 1 4.7 4.7l-8.2 8.2a1.7 1.7 0 0 1-2.4-2.4l7.4-7.4"],
  back: ["M15 5l-7 7 7 7"],
  bolt: ["M13 3 5 14h6l-1 7 8-11h-6l1-7z"],
  close: ["M6 6l12 12", "M18 6 6 18"],
  down: ["M12 5v14", "M6 13l6 6 6-6"],
  edit: ["M4 20h4L19 9l-4-4L4 16v4z"],
  eye: [
    "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12z",
    "M12 9.5a2.5 2.5 0 1 1 0 5 2.5 2.5 0 0 1 0-5z",
  ],
  file: ["M7 3h7l5 5v13H7z", "M14 3v5h5"],
  hash: ["M5 9h15", "M4 15h15", "M10 4 8 20", "M16 4l-2 16"],
  home: ["M4 11l8-7 8 7v9h-5v-6H9v6H4z"],
  image: ["M4 5h16v14H4z", "M4 16l5-5 4 4 3-3 4 4", "M15.5 9.5h.01"],
  lock: ["M6 11h12v9H6z", "M8.5 11V8a3.5 3.5 0 0 1 7 0v3"],
  reply: ["M4 5h16v11h-9l-5 4v-4H4z"],
  send: ["M4 12 20 4l-5 16-3.5-6.5L4 12z", "M11.5 13.5 20 4"],
  smile: ["M12 3.5a8.5 8.5 0 1 1 0 17 8.5 8.5 0 0 1 0-17z", "M9 10h.01", "M15 10h.01", "M8.5 14.2a4.4 4.4 0 0 0 7 0"],
  stop: ["M7 7h10v10H7z"],
  thumb_down: [
    "M7 4v10",
    "M7 14l4 7c1.5 0 2.3-1 2.3-2.4L13 15h5.5c1.2 0 2-1 1.7-2.2l-1.6-7A2.3 2.3 0 0 0 16.4 4H7z",
    "M3.5 4H7v10H3.5z",
  ],
  thumb_up: [
    "M7 20V10",
    "M7 10l4-7c1.5 0 2.3 1 2.3 2.4L13 9h5.5c1.200 0 2 1 1.7 2.200l-1.6 7a2.3 2.3 0 0 1-2.200 1.8H7z",
    "M3.5 10H7v10H3.5z",
  ],
  trash: ["M5 7h14", "M10 7V4h4v3", "M7 7l1 13h8l1-13"],
};

/** @param {keyof typeof PATHS} name */
export function icon(name) {
  const strokes = (PATHS[name] ?? PATHS.bolt).map((d) => svg("path", { d }));
  return svg(
    "svg",
    { class: `icon icon-${name}`, viewBox: "0 0 24 24", "aria-hidden": "true", focusable: "false" },
    strokes,
  );
}
