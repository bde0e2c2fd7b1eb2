/** Everything the sandbox shows, kept current by the feed. */

const at = (...parts) => parts.join("/");

export class State {
  constructor() {
    this.connected = false;
    this.loaded = false;
    this.unread = new Set();
    this.dismissed = new Set();
    /** @type {Map<string, string>} the feedback button pressed last, by the message's ts */
    this.feedback = new Map();
    this.forget();
  }

  forget() {
    this.team = { id: "", name: "" };
    this.bot = { user: "", name: "" };
    this.viewer = "";
    this.installed = true;
    this.sockets = 0;
    this.clock = { time: 0, speed: 1, read: 0 };
    this.faults = [];
    this.people = new Map();
    this.channels = new Map();
    /** @type {Map<string, Map<string, any>>} messages by channel and ts; those only one person sees are among them */
    this.messages = new Map();
    /** @type {Map<string, Set<string>>} ts of replies by channel/thread */
    this.threads = new Map();
    this.statuses = new Map();
    this.sessions = new Map();
    this.titles = new Map();
    this.prompts = new Map();
    this.views = new Map();
    this.homes = new Map();
    this.errors = new Map();
    this.usage = new Map();
  }

  /** One event of the feed. */
  apply(kind, data) {
    const handler = HANDLERS[kind];
    if (handler) handler(this, data);
  }

  /** The sandbox's time now, in seconds. */
  now() {
    return this.clock.time + ((performance.now() - this.clock.read) / 1000) * this.clock.speed;
  }

  person(id) {
    return this.people.get(id);
  }

  /** @param {string} name */
  personNamed(name) {
    return [...this.people.values()].find((person) => person.name === name);
  }

  /** People one can act as. */
  get actors() {
    return [...this.people.values()].filter((person) => !person.is_bot && !person.deleted);
  }

  /** The conversations a person is in. */
  channelsOf(person) {
    return [...this.channels.values()].filter((channel) => channel.members.includes(person));
  }

  direct(person) {
    return this.channelsOf(person).find((channel) => channel.kind === "im");
  }

  message(channel, ts) {
    return this.messages.get(channel)?.get(ts);
  }

  /** What a person sees in a channel itself, oldest first. */
  inChannel(channel, person) {
    return this.#seen(channel, person, (message) => !message.thread_ts || message.thread_ts === message.ts);
  }

  /** What a person sees in a thread, its first message included. */
  inThread(channel, thread, person) {
    return this.#seen(channel, person, (message) => message.ts === thread || message.thread_ts === thread);
  }

  /** The replies in a thread, oldest first. */
  replies(channel, thread) {
    const found = [...(this.threads.get(at(channel, thread)) ?? [])].sort();
    return found.map((ts) => this.message(channel, ts)).filter((message) => message && !message.only_for);
  }

  status(channel, thread) {
    return this.statuses.get(at(channel, thread));
  }

  session(channel, thread) {
    return this.sessions.get(at(channel, thread));
  }

  /** The prompts a thread, or the DM itself (""), suggests. */
  suggestions(channel, thread) {
    return this.prompts.get(at(channel, thread));
  }

  title(channel, thread) {
    return this.session(channel, thread)?.title || this.titles.get(at(channel, thread))?.title || "";
  }

  /** The modal on top of a person's pile. */
  modal(person) {
    return [...this.views.values()].filter((view) => view.user === person).at(-1)?.view;
  }

  #seen(channel, person, wanted) {
    const seen = [];
    for (const message of this.messages.get(channel)?.values() ?? []) {
      if (message.only_for && (message.only_for !== person || this.dismissed.has(message.ts))) continue;
      if (wanted(message)) seen.push(message);
    }
    return seen.sort((one, other) => (one.ts < other.ts ? -1 : 1));
  }
}

const HANDLERS = {
  snapshot(state, given) {
    state.forget();
    const lists = {
      user: "users",
      channel: "channels",
      message: "messages",
      ephemeral: "ephemerals",
      status: "statuses",
    };
    Object.assign(lists, {
      session: "sessions",
      title: "titles",
      prompts: "prompts",
      view: "views",
      home: "homes",
      usage: "usage",
    });
    for (const [kind, list] of Object.entries(lists)) for (const one of given[list]) state.apply(kind, one);
    for (const kind of ["sockets", "installed", "clock", "faults"]) state.apply(kind, given[kind]);
    state.team = given.team;
    state.bot = given.bot;
    state.viewer = given.viewer;
    state.loaded = true;
  },
  message(state, message) {
    if (!state.messages.has(message.channel)) state.messages.set(message.channel, new Map());
    state.messages.get(message.channel).set(message.ts, message);
    if (!message.thread_ts || message.thread_ts === message.ts) return;
    const thread = at(message.channel, message.thread_ts);
    if (!state.threads.has(thread)) state.threads.set(thread, new Set());
    state.threads.get(thread).add(message.ts);
  },
  ephemeral: (state, message) => state.apply("message", message),
  deleted(state, { channel, ts, thread_ts: thread }) {
    state.messages.get(channel)?.delete(ts);
    state.threads.get(at(channel, thread))?.delete(ts);
  },
  status(state, given) {
    const key = at(given.channel, given.thread_ts);
    if (given.status) state.statuses.set(key, given);
    else state.statuses.delete(key);
  },
  session: (state, given) => state.sessions.set(at(given.channel, given.thread_ts), given),
  title: (state, given) => state.titles.set(at(given.channel, given.thread_ts), given),
  prompts: (state, given) => state.prompts.set(at(given.channel, given.thread_ts), given),
  view(state, given) {
    state.views.set(given.view.id, given);
    state.errors.delete(given.view.id);
  },
  view_closed(state, given) {
    state.views.delete(given.id);
    state.errors.delete(given.id);
  },
  view_errors: (state, given) => state.errors.set(given.id, given.errors),
  home: (state, given) => state.homes.set(given.user, given.view),
  channel: (state, given) => state.channels.set(given.id, given),
  user: (state, given) => state.people.set(given.id, given),
  usage: (state, given) => state.usage.set(given.method, given),
  sockets: (state, given) => (state.sockets = given.open),
  installed: (state, given) => (state.installed = given.installed),
  clock: (state, given) => (state.clock = { ...given, read: performance.now() }),
  faults: (state, given) => (state.faults = given.plans),
};
