// A bot in JavaScript: answers a mention with a button, edits its answer, answers the click, a command and a form.
// Usage: node bolt.mjs <package> <socket|http>; it prints its port, or "connected", when it is ready.

const [name, transport] = process.argv.slice(2);
const bolt = await import(name);
const { App, HTTPReceiver, LogLevel } = bolt.default ?? bolt;

const shared = {
  token: process.env.SLACK_BOT_TOKEN,
  clientOptions: { slackApiUrl: process.env.SLACK_API_URL },
  logLevel: LogLevel.WARN,
};
const receiver =
  transport === "http" ? new HTTPReceiver({ signingSecret: process.env.SLACK_SIGNING_SECRET }) : undefined;
const app = receiver
  ? new App({ ...shared, receiver })
  : new App({ ...shared, appToken: process.env.SLACK_APP_TOKEN, socketMode: true });

const button = { type: "button", action_id: "again", text: { type: "plain_text", text: "Again" }, value: "42" };
const form = {
  type: "modal",
  callback_id: "form",
  title: { type: "plain_text", text: "Form" },
  submit: { type: "plain_text", text: "Send" },
  blocks: [
    {
      type: "input",
      block_id: "word",
      label: { type: "plain_text", text: "Word" },
      element: { type: "plain_text_input", action_id: "word" },
    },
  ],
};

// A native stream, and a file.
async function share({ channel, ts, user }, client, team) {
  const to = { channel, thread_ts: ts, recipient_user_id: user, recipient_team_id: team };
  const stream = await client.chat.startStream({ ...to, chunks: [{ type: "markdown_text", text: "It " }] });
  await client.chat.appendStream({ channel, ts: stream.ts, markdown_text: "rains." });
  await client.chat.stopStream({ channel, ts: stream.ts });
  await client.filesUploadV2({ channel_id: channel, thread_ts: ts, filename: "rain.txt", content: "It rains." });
}

app.event("app_mention", async ({ event, say, client, body }) => {
  if (event.text.includes("share")) return await share(event, client, body.team_id);
  const answer = await say({ text: "Let me see…", thread_ts: event.ts });
  const blocks = [{ type: "actions", block_id: "row", elements: [button] }];
  await client.chat.update({ channel: event.channel, ts: answer.ts, text: "Here you are.", blocks });
});
app.action("again", async ({ ack, respond, action, body, client }) => {
  await ack();
  await respond({ text: `You clicked ${action.value}.`, replace_original: false });
  await client.views.open({ trigger_id: body.trigger_id, view: form });
});
app.view("form", async ({ ack, body, view, client }) => {
  await ack();
  const text = `You wrote ${view.state.values.word.word.value}.`;
  const { channel } = await client.conversations.open({ users: body.user.id });
  await client.chat.postMessage({ channel: channel.id, text });
});
app.command("/parley", async ({ ack, command }) => {
  await ack(`You typed ${command.text}.`);
});

if (receiver) {
  const server = await app.start({ port: 0, host: "127.0.0.1" });
  console.log(server.address().port);
} else {
  await app.start();
  console.log("connected");
}
