// H13: MACs, tags, secrets and digests are compared in constant time, with `equal` of the crypto interface.
import { walkValues } from './scopes.mjs';

const ROOMS = /^src\/(rlpx|crypto)\//;
const SECRET_WORDS = new Set(['mac', 'macs', 'tag', 'tags', 'secret', 'secrets', 'digest', 'digests']);
const EQUALITY = new Set(['==', '===', '!=', '!==']);

/** Functions and methods that stop at the first difference. */
const LEAKY = new Set([
  'sameBytes',
  'compareBytes',
  'equalBytes',
  'bytesEqual',
  'equals',
  'compare',
  'isDeepStrictEqual',
]);

/** @returns the words of a name: `frameMacSeed` is frame, mac, seed */
const wordsOf = (name) =>
  name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .split(/[\s_#$]+/)
    .map((word) => word.toLowerCase());

const isSecretName = (name) =>
  typeof name === 'string' && wordsOf(name).some((word) => SECRET_WORDS.has(word));

/** @returns the name of the bytes that an expression stands for; an element of them counts as they do */
function subject(node) {
  switch (node?.type) {
    case 'Identifier':
      return node.name;
    case 'MemberExpression':
      return node.computed ? subject(node.object) : node.property.name;
    case 'CallExpression':
      // seal.subarray(…), digest(), hex(mac): what is called on or with the bytes still tells them.
      return [
        subject(node.callee),
        node.callee.type === 'MemberExpression' ? subject(node.callee.object) : undefined,
        ...node.arguments.map(subject),
      ].find(isSecretName);
    case 'ChainExpression':
    case 'TSNonNullExpression':
    case 'TSAsExpression':
      return subject(node.expression);
    default:
      return undefined;
  }
}

/** A comparison with a constant asks for presence or kind, not for content. */
function isConstant(node) {
  if (node.type === 'Literal') return true;
  if (node.type === 'Identifier') return node.name === 'undefined';
  return node.type === 'UnaryExpression' && (node.operator === 'typeof' || isConstant(node.argument));
}

/** @returns findings `{ start, rule }` about comparisons whose time tells how far two secrets agree */
export function checkSecrets(module) {
  if (!ROOMS.test(module.path)) return [];
  const findings = [];
  walkValues(module.program, (node) => {
    if (node.type === 'BinaryExpression' && EQUALITY.has(node.operator)) {
      if (isConstant(node.left) || isConstant(node.right)) return;
      const name = [subject(node.left), subject(node.right)].find(isSecretName);
      if (name !== undefined) {
        findings.push({
          start: node.start,
          rule: `H13: \`${node.operator}\` on ${name}; compare with equal() of the crypto interface`,
        });
      }
    } else if (node.type === 'CallExpression') {
      const { callee } = node;
      const called =
        callee.type === 'MemberExpression' && !callee.computed ? callee.property.name : callee.name;
      if (!LEAKY.has(called)) return;
      const receiver = callee.type === 'MemberExpression' ? [subject(callee.object)] : [];
      const name = [...receiver, ...node.arguments.map(subject)].find(isSecretName);
      if (name !== undefined) {
        findings.push({
          start: node.start,
          rule: `H13: ${called}() on ${name}; compare with equal() of the crypto interface`,
        });
      }
    }
  });
  return findings;
}
