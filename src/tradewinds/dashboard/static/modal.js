// The browser's own dialog: it traps the focus, closes on Escape and needs no library.
import { h } from "vue";

export default {
  props: { open: Boolean, label: String },
  emits: ["dismiss"],
  mounted() {
    this.show(this.open);
  },
  watch: {
    open(value) {
      this.show(value);
    },
  },
  methods: {
    show(open) {
      if (open && !this.$el.open) this.$el.showModal();
      if (!open && this.$el.open) this.$el.close();
    },
  },
  render() {
    return h(
      "dialog",
      {
        class: "modal",
        "aria-label": this.label,
        onCancel: (event) => {
          event.preventDefault();
          this.$emit("dismiss");
        },
      },
      this.$slots.default?.(),
    );
  },
};
