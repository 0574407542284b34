// p-queue is used without its own timers: they would run on the system's clock.
import { walkValues } from './scopes.mjs';

const TIMED = new Set([
  'timeout',
  'interval',
  'intervalCap',
  'carryoverConcurrencyCount',
  'carryoverIntervalCount',
  'strict',
]);

const RULE = 'p-queue is used without its own timers';

/** Finds what is wrong with options that are handed to p-queue. */
function* optionFindings(argument) {
  if (argument === undefined) return;
  if (argument.type !== 'ObjectExpression') {
    yield { start: argument.start, rule: `${RULE}: its options are written out, so that they can be seen` };
    return;
  }
  for (const property of argument.properties) {
    const name =
      property.type === 'Property' && !property.computed
        ? (property.key.name ?? property.key.value)
        : undefined;
    if (name === undefined)
      yield { start: property.start, rule: `${RULE}: its options are written out, so that they can be seen` };
    else if (TIMED.has(name)) yield { start: property.start, rule: `${RULE}: no \`${name}\`` };
  }
}

/** @returns findings `{ start, rule }` about the use of p-queue */
export function checkQueues(module) {
  const uses = module.program.body.some(
    (node) =>
      node.type === 'ImportDeclaration' && node.source.value === 'p-queue' && node.importKind !== 'type',
  );
  if (!uses) return [];
  const findings = [];
  walkValues(module.program, (node, { bindingOf }) => {
    if (node.type === 'NewExpression' && node.callee.type === 'Identifier') {
      if (bindingOf(node.callee.name)?.from === 'p-queue')
        findings.push(...optionFindings(node.arguments[0]));
    } else if (node.type === 'CallExpression' && node.callee.type === 'MemberExpression') {
      const name = node.callee.property.name;
      if (name === 'add' || name === 'addAll') {
        const options = node.arguments[1];
        if (options?.type === 'ObjectExpression') findings.push(...optionFindings(options));
      }
    } else if (node.type === 'AssignmentExpression' && node.left.type === 'MemberExpression') {
      if (!node.left.computed && node.left.property.name === 'timeout') {
        findings.push({ start: node.start, rule: `${RULE}: no \`timeout\`` });
      }
    }
  });
  return findings;
}
