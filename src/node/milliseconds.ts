/** Short times in what people and scripts read: to the microsecond, more digits say nothing. */
export function roundedMs(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}
