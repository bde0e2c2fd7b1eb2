// Asks Claude in every way that Anthropic's TypeScript client has. Usage: node claude.mjs <package> <model>
// Prints one line of JSON: what came of each.

const [name, model] = process.argv.slice(2);
const { default: Anthropic } = await import(name);
const client = new Anthropic({ maxRetries: 0, timeout: 20_000 });
const said = (message) => message.content.filter((block) => block.type === "text").map((block) => block.text).join("");
const failed = async (promise) => promise.then(() => null, (error) => [error.status, error.error?.error?.type]);
const asked = { model, max_tokens: 200, messages: [{ role: "user", content: "Hi" }] };
const system = [{ type: "text", text: "Be brief.", cache_control: { type: "ephemeral" } }];

const whole = await client.messages.create({ ...asked, system: "Be brief." });
const blocks = await client.messages.create({
  ...asked,
  system,
  messages: [{ role: "user", content: [{ type: "text", text: "Hi" }] }],
});
const stream = client.messages.stream(asked);
let streamed = "";
stream.on("text", (text) => {
  streamed += text;
});
const final = await stream.finalMessage();
let raw = 0;
for await (const event of await client.messages.create({ ...asked, stream: true })) raw += event.type === "message_stop";
const beta = await client.beta.messages.create({ ...asked, betas: ["interleaved-thinking-2025-05-14"] });
const { input_tokens } = await client.messages.countTokens({ model, messages: asked.messages });
const counted = await client.beta.messages.countTokens({ model, messages: asked.messages });
const models = [];
for await (const one of client.models.list({ limit: 2 })) models.push(one.id);
const one = await client.models.retrieve(model);

console.log(
  JSON.stringify({
    whole: said(whole),
    blocks: said(blocks),
    streamed,
    final: said(final),
    stop: final.stop_reason,
    raw,
    beta: said(beta),
    input_tokens,
    counted: counted.input_tokens,
    models,
    one: one.id,
    none: await failed(client.models.retrieve("claude-none")),
    unknown: await failed(client.messages.create({ ...asked, colour: "red" })),
    key: await failed(new Anthropic({ maxRetries: 0, apiKey: "sk-ant-wrong" }).messages.create(asked)),
  }),
);
