// The scenario of tradewinds.kernels.scenario through the same module, in node: prints its SHA-256.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

const given = JSON.parse(readFileSync(0, "utf8"));
const { instance } = await WebAssembly.instantiate(readFileSync(given.module), {});
const kernel = instance.exports;
const sha = createHash("sha256");
const answer = (values) => sha.update(new Uint8Array(Float64Array.from(values).buffer));
const doubles = (at, count) => new Float64Array(kernel.memory.buffer, at >>> 0, count);
const put = (at, values) => doubles(at, values.length).set(values);
const take = (at, count) => Array.from(doubles(at, count));

function book({ symbol, capacity, frameBytes, imbalanceLevels, quantity, frames }) {
  const handle = kernel.tw_book_new(capacity, frameBytes, imbalanceLevels);
  const [input, output, amount, top] = [0, 1, 2, 3].map((n) => kernel.tw_book_region(handle, n));
  const write = (text) => {
    const bytes = new TextEncoder().encode(text);
    new Uint8Array(kernel.memory.buffer, input, bytes.length).set(bytes);
    return bytes.length;
  };
  kernel.tw_book_symbol(handle, write(symbol));
  put(amount, [quantity]);
  for (const frame of frames) {
    const status = kernel.tw_book_frame(handle, write(frame));
    answer(status === 0 ? [status, ...take(output, 12)] : [status]);
  }
  const both = kernel.tw_book_levels(handle, 10);
  answer(take(top, 2 * (both >>> 16)));
  answer(take(top + 16 * capacity, 2 * (both & 0xffff)));
  kernel.tw_book_drop(handle);
}

function triangles({ keeps, cycles, threshold, rowsMax, hitsMax, quotes }) {
  const handle = kernel.tw_triangles_new(keeps.length / 2, cycles.length, rowsMax, hitsMax);
  const region = (n) => kernel.tw_triangles_region(handle, n);
  put(region(2), keeps);
  put(region(3), cycles.flat());
  put(region(4), [threshold]);
  if (kernel.tw_triangles_connect(handle) !== 0) throw new Error("a cycle names no edge");
  put(region(0), quotes);
  for (const scan of [() => kernel.tw_triangles_scan(handle, quotes.length / 3),
                      () => kernel.tw_triangles_all(handle)]) {
    const found = scan();
    answer([found, ...take(region(1), 3 * Math.min(found, hitsMax))]);
  }
  kernel.tw_triangles_drop(handle);
}

function features({ symbols, lengths, bars }) {
  const count = bars.length / 6;
  const handle = kernel.tw_features_new(symbols, count, ...lengths);
  put(kernel.tw_features_region(handle, 0), bars);
  const refused = kernel.tw_features_update(handle, count);
  answer(take(kernel.tw_features_region(handle, 1), 20 * count));
  answer([refused]);
  kernel.tw_features_drop(handle);
}

function sweep({ bars, market, rules, details }) {
  const handle = kernel.tw_sweep_new(bars.length / 5, rules.length);
  const region = (n) => kernel.tw_sweep_region(handle, n);
  put(region(0), bars);
  put(region(2), rules.flat());
  put(region(3), market);
  if (kernel.tw_sweep_check(handle) !== 0) throw new Error("a bar cannot be true");
  kernel.tw_sweep_run(handle, rules.length);
  answer(take(region(1), 16 * rules.length));
  for (let index = 0; index < details; index += 1) {
    const trades = kernel.tw_sweep_detail(handle, index);
    answer(take(region(4), 10 * trades));
    answer(take(region(5), bars.length / 5));
  }
  kernel.tw_sweep_drop(handle);
}

if (kernel.tw_abi() !== given.abi) throw new Error("another ABI");
book(given.book);
triangles(given.triangles);
features(given.features);
sweep(given.sweep);
console.log(sha.digest("hex"));
