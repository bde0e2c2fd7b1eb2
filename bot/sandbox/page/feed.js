/** The sandbox's feed of Server-Sent Events, read into the state. */

const KINDS = [
  "snapshot",
  "message",
  "deleted",
  "ephemeral",
  "status",
  "session",
  "title",
  "prompts",
  "view",
  "view_closed",
  "view_errors",
  "home",
  "problem",
  "channel",
  "user",
  "usage",
  "sockets",
  "installed",
  "clock",
  "faults",
];

/**
 * Follow the feed for good; the browser connects again by itself, and a new snapshot replaces everything.
 * @param {(kind: string, data: any) => void} apply
 * @param {(connected: boolean) => void} onConnection
 */
export function follow(apply, onConnection) {
  const source = new EventSource("/feed");
  for (const kind of KINDS) {
    source.addEventListener(kind, (event) => {
      if (kind === "snapshot") onConnection(true);
      apply(kind, JSON.parse(event.data));
    });
  }
  source.addEventListener("error", () => onConnection(false));
}
