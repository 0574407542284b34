// What a run of tests says of a mutant.

/**
 * @param report vitest's JSON report of a run with the fault in place
 * @returns `{ caught: true, by }` only where the test that the mutant names is among those that failed;
 * otherwise `{ caught: false, says }`
 */
export function judge(report, { row, title }) {
  const results = report.testResults.flatMap(({ assertionResults }) => assertionResults);
  const broken = report.testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0,
  );
  if (broken.length > 0)
    return { caught: false, says: `a test file does not load: ${firstLine(broken[0].message)}` };
  const failed = results.filter(({ status }) => status === 'failed');
  const matches = titleOf(title);
  const named = failed.find((test) => matches.test(test.title));
  if (named !== undefined) return { caught: true, by: named.title };
  const ofRow = failed.find((test) => isOfRow(row, test));
  if (ofRow !== undefined)
    return { caught: false, says: `caught by another test of its row: ${ofRow.title}` };
  if (failed.length > 0)
    return { caught: false, says: `caught by a test of another concern: ${failed[0].fullName}` };
  return { caught: false, survived: true, says: `survives ${results.length} tests` };
}

/** Whether a test, or what it stands in, begins with the row's id: `'H1, H3: …'`. */
function isOfRow(row, { ancestorTitles, title }) {
  return [...ancestorTitles, title].some((says) =>
    new RegExp(`^(?:[A-Z]\\d+, )*${row}(?:, [A-Z]\\d+)*: `).test(says),
  );
}

/** A title as the source has it, with `%s` and `$name` where a run has values. */
function titleOf(title) {
  const parts = title.split(/%[a-z]|\$\w+/).map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`, 's');
}

const firstLine = (text) => String(text).split('\n')[0];
