// Draws what `npm run bench` has measured: `node bench/picture.mjs [results.json] > docs/bench.svg`. One bar a row: rlpxd's
// rate as a multiple of geth's in the same run, on a logarithmic axis; where there is none, of the earlier stack's.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const file = process.argv[2] ?? join(dirname(fileURLToPath(import.meta.url)), 'results.json');
const { rows, cpu, cpus, node } = JSON.parse(readFileSync(file, 'utf8'));

const WIDTH = 860;
const LABEL = 400;
const RIGHT = 60;
const ROW = 26;
const TOP = 54;
const LEAST = 0.125;
const MOST = 16;
const TICKS = [0.125, 0.25, 0.5, 1, 2, 4, 8, 16];

const bars = rows.flatMap(({ row, ratios }) => {
  if (ratios.geth !== undefined) return [{ row, ratio: ratios.geth.rate, beside: 'geth' }];
  if (ratios.earlier !== undefined) return [{ row, ratio: ratios.earlier.rate, beside: 'earlier' }];
  return [];
});
const height = TOP + bars.length * ROW + 44;
const span = WIDTH - LABEL - RIGHT;
const x = (ratio) => {
  const at = Math.min(MOST, Math.max(LEAST, ratio));
  return LABEL + (span * Math.log2(at / LEAST)) / Math.log2(MOST / LEAST);
};
const escaped = (text) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;');
const shown = (ratio) => (ratio < 10 ? ratio.toFixed(2) : ratio.toFixed(0));

const parts = [
  `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif" font-size="13">`,
  '<title>rlpxd beside geth, measured in the same run</title>',
  `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
  '<text x="16" y="24" font-size="15" font-weight="600" fill="#1a1a1a">rlpxd’s rate as a multiple of geth’s (right of 1: rlpxd is faster)</text>',
];
for (const tick of TICKS) {
  const at = x(tick).toFixed(1);
  const stroke = tick === 1 ? '#1a1a1a' : '#d8d8d8';
  parts.push(
    `<line x1="${at}" y1="${TOP - 8}" x2="${at}" y2="${TOP + bars.length * ROW}" stroke="${stroke}"/>`,
    `<text x="${at}" y="${TOP - 13}" text-anchor="middle" font-size="11" fill="#555">${tick < 1 ? `1/${1 / tick}` : tick}</text>`,
  );
}
for (const [i, { row, ratio, beside }] of bars.entries()) {
  const y = TOP + i * ROW;
  const from = Math.min(x(1), x(ratio));
  const width = Math.max(1.5, Math.abs(x(ratio) - x(1)));
  const fill = beside === 'earlier' ? '#8a8a8a' : ratio >= 1 ? '#1f7a4d' : '#c0702c';
  const end =
    ratio >= 1 ? `x="${(x(ratio) + 5).toFixed(1)}"` : `x="${(x(ratio) - 5).toFixed(1)}" text-anchor="end"`;
  parts.push(
    `<text x="${LABEL - 60}" y="${y + 17}" text-anchor="end" fill="#1a1a1a">${escaped(row)}</text>`,
    `<rect x="${from.toFixed(1)}" y="${y + 5}" width="${width.toFixed(1)}" height="${ROW - 10}" fill="${fill}"/>`,
    `<text ${end} y="${y + 17}" font-size="12" fill="#1a1a1a">${shown(ratio)}</text>`,
  );
}
const grey = bars.some(({ beside }) => beside === 'earlier')
  ? ' Grey: beside the earlier TypeScript stack.'
  : '';
parts.push(
  `<text x="16" y="${height - 14}" font-size="11" fill="#555">${escaped(`${cpus} cores of ${cpu}, Node ${node}, each end a process of its own over loopback.${grey}`)}</text>`,
  '</svg>',
);
process.stdout.write(`${parts.join('\n')}\n`);
