import { join } from 'node:path';

/** The usual report on the terminal, and a countable one where `RLPXD_TEST_REPORTS` names a folder for it. */
export function reporters(suite: string): (string | [string, Record<string, unknown>])[] {
  const folder = process.env.RLPXD_TEST_REPORTS;
  return folder === undefined
    ? ['default']
    : ['default', ['json', { outputFile: join(folder, `${suite}.json`) }]];
}
