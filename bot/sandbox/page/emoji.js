/** The emoji names that come up in a sandbox; others are shown by their name. */

const EMOJI = {
  "+1": "👍",
  "-1": "👎",
  thumbsup: "👍",
  thumbsdown: "👎",
  tada: "🎉",
  heart: "❤️",
  eyes: "👀",
  smile: "😄",
  grin: "😁",
  joy: "😂",
  thinking_face: "🤔",
  wave: "👋",
  pray: "🙏",
  clap: "👏",
  fire: "🔥",
  rocket: "🚀",
  star: "⭐",
  sparkles: "✨",
  bulb: "💡",
  memo: "📝",
  white_check_mark: "✅",
  heavy_check_mark: "✔️",
  x: "❌",
  warning: "⚠️",
  information_source: "ℹ️",
  question: "❓",
  exclamation: "❗",
  hourglass: "⌛",
  hourglass_flowing_sand: "⏳",
  stop_button: "⏹️",
  octagonal_sign: "🛑",
  no_entry: "⛔",
  repeat: "🔁",
  robot_face: "🤖",
  speech_balloon: "💬",
  mag: "🔍",
  link: "🔗",
  lock: "🔒",
  bug: "🐛",
  wrench: "🔧",
  gear: "⚙️",
  bar_chart: "📊",
  moneybag: "💰",
  zap: "⚡",
  slightly_smiling_face: "🙂",
  point_right: "👉",
  arrow_right: "➡️",
  red_circle: "🔴",
  large_green_circle: "🟢",
  large_yellow_circle: "🟡",
};

/** @returns {string | undefined} */
export function emoji(name) {
  return Object.hasOwn(EMOJI, name) ? EMOJI[name] : undefined;
}

/** What people at the page can react with. */
export const REACTIONS = ["+1", "-1", "tada", "eyes", "heart", "white_check_mark"];
