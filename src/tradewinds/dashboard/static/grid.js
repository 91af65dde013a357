// A table of text: cells are text nodes, so nothing in them can become markup.
// A cell is a string or [text, tone, note]; a column is {label, align, show}.
import { h } from "vue";

const asCell = (cell) => (Array.isArray(cell) ? cell : [cell]);

function renderCell(cell, column) {
  const [text, tone, note] = asCell(cell);
  const children = [h("span", { class: tone ? `tone-${tone}` : undefined }, text)];
  if (note) children.push(h("span", { class: "note" }, note));
  return h("td", { class: [column.align, column.show], title: column.clip ? [text, note].filter(Boolean).join(" ") : undefined }, children);
}

export default {
  props: { columns: Array, rows: Array, empty: String, label: String },
  render() {
    if (!this.rows.length) return h("div", { class: "grid-empty" }, this.empty);
    const head = this.columns.map((c) => h("th", { class: [c.align, c.show], scope: "col" }, c.label));
    const body = this.rows.map((row) =>
      h(
        "tr",
        { key: row.key, class: row.tone },
        row.cells.map((cell, i) => renderCell(cell, this.columns[i])),
      ),
    );
    return h("div", { class: "grid-wrap", role: "region", "aria-label": this.label, tabindex: 0 }, [
      h("table", { class: "grid" }, [h("thead", h("tr", head)), h("tbody", body)]),
    ]);
  },
};
