// The live page's list. It asks the API for the lines after the last one it has, draws once per
// answer, and keeps a bounded number. All text is drawn as text nodes.
import { h, markRaw } from "vue";

const KEPT_MAX = 2000;
const SHOWN_MAX = 400;
const ASK_MAX = 1000;
const PERIOD_MS = 300;
const HIDDEN_PERIOD_MS = 2000;

const pad = (value) => String(value).padStart(2, "0");

function clock(ns) {
  const at = new Date(ns / 1e6);
  return `${pad(at.getUTCHours())}:${pad(at.getUTCMinutes())}:${pad(at.getUTCSeconds())}`;
}

function day(ns) {
  return new Date(ns / 1e6).toISOString().slice(0, 10);
}

function instrument(id) {
  if (!id) return "\u2013";
  const cut = id.lastIndexOf("@");
  if (cut < 1) return id;
  return [id.slice(0, cut), h("span", { class: "note" }, id.slice(cut + 1))];
}

export default {
  props: { kinds: Array },
  data() {
    return { version: 0, paused: false, waiting: 0, off: [], needle: "", problem: "" };
  },
  created() {
    this.lines = markRaw([]);
    this.held = markRaw([]);
    this.last = 0;
    this.counts = markRaw({});
  },
  mounted() {
    this.ask();
  },
  beforeUnmount() {
    clearTimeout(this.timer);
  },
  methods: {
    async ask() {
      try {
        const answer = await fetch(`/api/v1/activity?after=${this.last}&limit=${ASK_MAX}`);
        if (answer.status === 401) return window.location.reload();
        if (!answer.ok) throw new Error(`status ${answer.status}`);
        this.take(await answer.json());
        this.problem = "";
      } catch (error) {
        this.problem = `no answer from the dashboard (${error.message})`;
      }
      this.timer = setTimeout(() => this.ask(), document.hidden ? HIDDEN_PERIOD_MS : PERIOD_MS);
    },
    take({ lines, last }) {
      if (last < this.last) this.forget();
      this.last = last;
      if (!lines.length) return;
      for (const { line } of lines) this.counts[line.kind] = (this.counts[line.kind] ?? 0) + 1;
      (this.paused ? this.held : this.lines).push(...lines);
      this.trim(this.held);
      this.trim(this.lines);
      this.waiting = this.held.length;
      this.version += 1;
    },
    forget() {
      this.lines.length = 0;
      this.held.length = 0;
    },
    trim(list) {
      if (list.length > KEPT_MAX) list.splice(0, list.length - KEPT_MAX);
    },
    pause() {
      this.paused = !this.paused;
      if (this.paused) return;
      this.lines.push(...this.held);
      this.held.length = 0;
      this.trim(this.lines);
      this.waiting = 0;
    },
    toggle(kind) {
      this.off = this.off.includes(kind) ? this.off.filter((k) => k !== kind) : [...this.off, kind];
    },
    matches({ line }) {
      if (this.off.includes(line.kind)) return false;
      if (!this.needle) return true;
      const text = `${line.instrument_id} ${line.strategy_id} ${line.title} ${line.detail}`;
      return text.toLowerCase().includes(this.needle.toLowerCase());
    },
    shown() {
      const found = [];
      for (let i = this.lines.length - 1; i >= 0 && found.length < SHOWN_MAX; i -= 1) {
        if (this.matches(this.lines[i])) found.push(this.lines[i]);
      }
      return found;
    },
    bar() {
      const chips = this.kinds.map((kind) =>
        h(
          "button",
          {
            type: "button",
            class: ["chip", `kind-${kind}`],
            "aria-pressed": String(!this.off.includes(kind)),
            onClick: () => this.toggle(kind),
          },
          [kind, h("span", { class: "tally" }, String(this.counts[kind] ?? 0))],
        ),
      );
      return h("div", { class: "feed-bar" }, [
        h("div", { class: "chips", role: "group", "aria-label": "Kinds" }, chips),
        h("input", {
          class: "field",
          type: "search",
          placeholder: "Filter text",
          "aria-label": "Filter text",
          value: this.needle,
          onInput: (event) => (this.needle = event.target.value),
        }),
        h(
          "button",
          { type: "button", class: "button", "aria-pressed": String(this.paused), onClick: () => this.pause() },
          this.paused ? `Resume (${this.waiting} new)` : "Pause",
        ),
      ]);
    },
    row({ sequence, line }) {
      return h("div", { class: "feed-row", role: "listitem", key: sequence }, [
        h("span", { class: "when", title: day(line.time_ns) }, clock(line.time_ns)),
        h("span", { class: ["kind", `kind-${line.kind}`] }, line.kind),
        h("span", { class: "who", title: line.instrument_id }, instrument(line.instrument_id)),
        h("span", { class: "by", title: line.strategy_id }, line.strategy_id || "\u2013"),
        h("span", { class: "what" }, [
          h("span", { class: "title" }, line.title),
          h("span", { class: "detail" }, line.detail),
        ]),
      ]);
    },
  },
  render() {
    void this.version;
    const rows = this.shown();
    const body = rows.length
      ? rows.map((line) => this.row(line))
      : [h("div", { class: "grid-empty" }, this.lines.length ? "No line matches the filters." : "Nothing has happened yet.")];
    const foot = `${rows.length} of ${this.lines.length} lines shown, newest first`;
    return h("div", { class: "feed" }, [
      this.bar(),
      h("div", { class: "feed-list", role: "list", tabindex: 0, "aria-label": "Activity" }, body),
      h("div", { class: "feed-foot" }, this.problem || foot),
    ]);
  },
};
