// What the measured ends have in common: their command line, what they send, and how they count.
import { parseArgs } from 'node:util';

export function wireArguments() {
  const { values, positionals } = parseArgs({
    strict: false,
    allowPositionals: true,
    options: {
      work: { type: 'string', default: 'frames' },
      size: { type: 'string', default: '200' },
      content: { type: 'string', default: 'random' },
      ms: { type: 'string', default: '1000' },
      'warm-ms': { type: 'string', default: '200' },
      'warm-count': { type: 'string', default: '0' },
      parallel: { type: 'string', default: '1' },
      crypto: { type: 'string' },
      library: { type: 'string' },
    },
  });
  return {
    role: positionals[0],
    port: Number(positionals[1] ?? 0),
    work: values.work,
    size: Number(values.size),
    content: values.content,
    ms: Number(values.ms),
    warmMs: Number(values['warm-ms']),
    warmCount: Number(values['warm-count']),
    parallel: Number(values.parallel),
  };
}

/** Bytes that do not compress, or that do as well as any can. */
export function content({ size, content: kind }) {
  const bytes = new Uint8Array(size);
  if (kind === 'zeros') return bytes;
  let state = 0x2545f491;
  for (let i = 0; i < size; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[i] = state;
  }
  return bytes;
}

/** Counts from the end of the warm-up on, which takes so long and so many; what it prints ends at the last thing counted. */
export class Meter {
  #warmMs;
  #warmCount;
  #begunAtMs;
  #fromMs;
  #cpu;
  #count = 0;
  #lastAskedMs = 0;
  #last = { count: 0, ms: 0, cpuMs: 0 };

  constructor(warmMs, warmCount = 0) {
    this.#warmMs = warmMs;
    this.#warmCount = warmCount;
  }

  /** How long it has been counting, milliseconds. */
  get countingMs() {
    return this.#fromMs === undefined ? 0 : performance.now() - this.#fromMs;
  }

  add(count) {
    const now = performance.now();
    this.#begunAtMs ??= now;
    if (this.#fromMs === undefined) {
      this.#warmCount -= count;
      if (now - this.#begunAtMs < this.#warmMs || this.#warmCount > 0) return;
      this.#fromMs = now;
      this.#cpu = process.cpuUsage();
      return;
    }
    this.#count += count;
    if (now - this.#lastAskedMs < 100) return; // asking costs 10 µs and more
    this.#lastAskedMs = now;
    const { user, system } = process.cpuUsage(this.#cpu);
    this.#last = { count: this.#count, ms: now - this.#fromMs, cpuMs: (user + system) / 1_000 };
  }

  print(more = {}) {
    process.stdout.write(`${JSON.stringify({ ...this.#last, ...more })}\n`);
  }
}
