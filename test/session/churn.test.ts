import { expect, test } from 'vitest';
import { churn } from '../support/session-churn.js';

test('2,000 sessions over real sockets, ended by every path in both roles, leave nothing', async () => {
  const report = await churn(2_000);
  process.stdout.write(
    `churn: ${report.sessions} sessions in ${Math.round(report.ms)} ms, heap slope ${report.heapBytesPerSession.toFixed(0)} B per session\n`,
  );
  expect(report.sessions).toBeGreaterThanOrEqual(2_000);
  expect(report.inbound).toBeGreaterThan(800);
  expect(report.sessions - report.inbound).toBeGreaterThan(500);
  expect(report.after).toEqual(report.before);
  expect(report.before).toMatchObject({ sessions: 0, timers: 0, abortListeners: 0 });
  const outcomes = new Set(Object.keys(report.ends).map((way) => way.split(' ')[0]));
  expect([...outcomes].sort()).toEqual(['cancelled', 'closed', 'expired', 'faulted']);
  const whom = new Set(Object.keys(report.ends).map((way) => way.split(' ')[2]));
  expect([...whom].sort()).toEqual(['local', 'policy', 'remote', 'transport']);
  // a leak of sessions would be thousands; what compiling and measuring cost comes and goes
  expect(report.heapBytesPerSession).toBeLessThan(1_500);
}, 60_000);
