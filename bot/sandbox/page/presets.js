/** Faults worth trying: docs/sandbox.md and docs/sandbox-claude.md list all there are. */

const MESSAGES = "/v1/messages";

/** @type {Record<string, {name: string, about: string, route: string, kind: string, params: Record<string, any>}[]>} */
export const presets = {
  Slack: [
    {
      name: "Refuse edits (429)",
      about: "chat.update: come again in 5 s",
      route: "chat.update",
      kind: "rate_limit",
      params: { retry_after: 5 },
    },
    {
      name: "Refuse posts (429)",
      about: "chat.postMessage: come again in 5 s",
      route: "chat.postMessage",
      kind: "rate_limit",
      params: { retry_after: 5 },
    },
    {
      name: "Slow answers",
      about: "Every method answers 3 s later",
      route: "*",
      kind: "delay",
      params: { seconds: 3 },
    },
    { name: "Server error (500)", about: "Every method", route: "*", kind: "status", params: { status: 500 } },
    {
      name: "Lose answers",
      about: "The call takes effect, then the connection is reset",
      route: "*",
      kind: "reset",
      params: { after: true },
    },
    { name: "Twice delivered", about: "Events arrive twice", route: "event:duplicate", kind: "duplicate", params: {} },
  ],
  Claude: [
    { name: "Overloaded (529)", about: "No answer begins", route: MESSAGES, kind: "overloaded", params: {} },
    {
      name: "Slow to begin",
      about: "5 s before the first word",
      route: MESSAGES,
      kind: "delay",
      params: { seconds: 5 },
    },
    {
      name: "Falls silent",
      about: "10 s of silence in the middle of the answer",
      route: MESSAGES,
      kind: "stall",
      params: { seconds: 10 },
    },
    {
      name: "Breaks off",
      about: "The connection is reset in the middle of the answer",
      route: MESSAGES,
      kind: "reset",
      params: {},
    },
    { name: "Spend limit", about: "The month's budget is used up", route: MESSAGES, kind: "spend_limit", params: {} },
  ],
};

/** What a fault that is switched on is called here. */
export function title({ route, kind }) {
  const known = Object.values(presets)
    .flat()
    .find((preset) => preset.route === route && preset.kind === kind);
  return known?.name ?? kind.replaceAll("_", " ");
}
