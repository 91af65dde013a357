// ECharts from NiceGUI's own bundle, without the Vue template that its wrapper brings.
import { h } from "vue";
import { echarts } from "nicegui-echart";

export default {
  props: { options: Object, label: String },
  mounted() {
    this.chart = echarts.init(this.$el, null, { renderer: "canvas" });
    this.resizer = new ResizeObserver(() => this.chart.resize());
    this.resizer.observe(this.$el);
    this.chart.setOption(this.options);
  },
  beforeUnmount() {
    this.resizer.disconnect();
    this.chart.dispose();
  },
  watch: {
    options(next, last) {
      const notMerge = next.series.length !== last.series.length;
      this.chart.setOption(next, { notMerge, lazyUpdate: true });
    },
  },
  render() {
    return h("div", { class: "chart", role: "img", "aria-label": this.label });
  },
};
