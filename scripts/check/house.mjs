// The rules of the house over all its modules.
import { checkAmbient } from './ambient.mjs';
import { checkImports } from './floors.mjs';
import { listModules, readModule } from './modules.mjs';
import { checkQueues } from './queues.mjs';
import { checkSecrets } from './secrets.mjs';

/** Past this many lines a file is asked what two things it is. */
const LONG_FILE_LINES = 400;

/**
 * Checks every module below `root`.
 * @returns how many there were, the broken rules and the warnings, each as `file:line: text`
 */
export function checkHouse(root) {
  const paths = listModules(root);
  const broken = [];
  const warnings = [];
  for (const path of paths) {
    const module = readModule(root, path);
    for (const error of module.errors)
      broken.push(`${path}:${module.lineOf(error.labels[0]?.start ?? 0)}: ${error.message}`);
    const findings = [checkImports, checkAmbient, checkSecrets, checkQueues].flatMap((check) =>
      check(module),
    );
    const lines = findings
      .sort((a, b) => a.start - b.start)
      .map(({ start, rule }) => `${path}:${module.lineOf(start)}: ${rule}`);
    broken.push(...new Set(lines));
    if (path.startsWith('src/') && module.lines > LONG_FILE_LINES) {
      warnings.push(`${path}:${LONG_FILE_LINES + 1}: ${module.lines} lines; what two things is it?`);
    }
  }
  return { modules: paths.length, broken, warnings };
}
