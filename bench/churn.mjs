// Begins and ends sessions over loopback by every path and in both roles, and measures what each leaves behind:
// `npm run churn -- [--sessions 40000] [--json]`. Fails where anything is left, or where the heap grows by more than 64
// bytes per session over the second half: before that, memories of a fixed size (ended sessions, auths seen) still fill.
import { parseArgs } from 'node:util';
import { supportModule } from '../scripts/support.mjs';

const MAX_BYTES_PER_SESSION = 64;
const { values } = parseArgs({
  options: { sessions: { type: 'string', default: '40000' }, json: { type: 'boolean', default: false } },
});
const { churn } = await supportModule('session-churn.js');
const report = await churn(Number(values.sessions));
const { sessions, inbound, ms, before, after, ends, heapBytesPerSession } = report;
if (values.json) process.stdout.write(`${JSON.stringify(report)}\n`);
else {
  const rate = (sessions / ms) * 1_000;
  process.stdout.write(`${sessions} sessions, ${inbound} of them inbound, ${rate.toFixed(0)} a second\n`);
  for (const [way, count] of Object.entries(ends).sort()) process.stdout.write(`  ${count} ${way}\n`);
  process.stdout.write(`before ${JSON.stringify(before)}\nafter  ${JSON.stringify(after)}\n`);
  process.stdout.write(`heap slope ${heapBytesPerSession.toFixed(1)} bytes per session\n`);
}
const held = JSON.stringify(before) === JSON.stringify(after);
process.exitCode = held && heapBytesPerSession <= MAX_BYTES_PER_SESSION ? 0 : 1;
