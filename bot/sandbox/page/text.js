/** Slack's text objects: https://docs.slack.dev/reference/block-kit/composition-objects/text-object */

import { mrkdwn } from "./mrkdwn.js";

/** A text object as nodes. @param {{names: import("./mentions.js").Names}} context */
export function text(object, context) {
  return object?.type === "mrkdwn" ? mrkdwn(object.text ?? "", context.names) : [plain(object)];
}

/** Its characters, whatever its type. */
export function plain(object) {
  return typeof object?.text === "string" ? object.text : "";
}
