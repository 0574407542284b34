const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

/** `612 B`, `1.4 MiB`. */
export function bytesText(bytes: number): string {
  let [value, unit] = [bytes, 0];
  while (value >= 1_024 && unit < UNITS.length - 1) {
    value /= 1_024;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit]}`;
}

/** `0.84 s`, `2 min 5 s`. */
export function timeText(ms: number): string {
  const seconds = ms / 1_000;
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 2 : 1)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

/** `1 block`, `560 blocks`. */
export function countText(count: number | bigint, one: string, many: string = `${one}s`): string {
  return `${count} ${Number(count) === 1 ? one : many}`;
}

/** As much of a line as a terminal shows in one row; a terminal that does not know its width has 80 columns. */
export function clipped(line: string, columns: number | undefined): string {
  return line.slice(0, Math.max(1, (columns === undefined || columns < 2 ? 80 : columns) - 1));
}
