// No ambient world outside src/runtime: no clock, timer, randomness, network or environment that was not handed in.
import { isAtTheTop, isRuntime } from './floors.mjs';
import { literalText } from './modules.mjs';
import { unwrapped, walkValues } from './scopes.mjs';

/** Globals that are a piece of the world by themselves. */
const GLOBALS = {
  Date: 'the clock',
  Temporal: 'the clock',
  performance: 'the clock',
  setTimeout: 'a timer',
  setInterval: 'a timer',
  setImmediate: 'a timer',
  MessageChannel: 'a timer in disguise',
  BroadcastChannel: 'a channel to other threads',
  Worker: 'a worker',
  crypto: 'randomness and background cryptography',
  fetch: 'the network',
  WebSocket: 'the network',
  EventSource: 'the network',
  XMLHttpRequest: 'the network',
  require: 'modules by computed names',
  eval: 'code that cannot be checked',
  Function: 'code that cannot be checked',
};

/** Globals of which one member is forbidden; used otherwise than `Name.member` they could hide it. */
const MEMBERS = {
  Math: { random: 'randomness' },
  AbortSignal: { timeout: 'a timer' },
  process: {
    hrtime: 'the clock',
    uptime: 'the clock',
    getBuiltinModule: 'modules by computed names',
    binding: 'the system',
  },
};

/** Where randomness or hidden modules hang, on whatever object: names that mean nothing else. */
const NAMES = {
  getRandomValues: 'randomness',
  randomBytes: 'randomness',
  randomFill: 'randomness',
  randomFillSync: 'randomness',
  randomInt: 'randomness',
  randomUUID: 'randomness',
  randomSecretKey: 'randomness',
  randomPrivateKey: 'randomness',
  generateKeys: 'randomness',
  generateKey: 'randomness',
  generateKeySync: 'randomness',
  generateKeyPair: 'randomness',
  generateKeyPairSync: 'randomness',
  generatePrime: 'randomness',
  generatePrimeSync: 'randomness',
  hrtime: 'the clock',
  getBuiltinModule: 'modules by computed names',
};

const WHOLE_WORLD = new Set(['globalThis', 'global', 'self', 'window']);

/** Node's cryptography that works in the background: what throws there ends the process (row H8). */
const BACKGROUND_CRYPTO = new Set([
  'webcrypto',
  'subtle',
  'hkdf',
  'pbkdf2',
  'scrypt',
  'checkPrime',
  'argon2',
]);

/** Functions that do the same once a callback is the last argument: how many arguments that makes. */
const WITH_CALLBACK = { sign: 4, verify: 5, diffieHellman: 2, encapsulate: 2, decapsulate: 3 };

/** @returns the name of a member (`a.b`, `a['b']`), or undefined where it is computed */
function memberName(node) {
  return node.computed ? literalText(node.property) : node.property.name;
}

const through = (what, spelled) => `no ambient world: ${spelled} (${what}) comes in through src/runtime`;

/** @returns what is wrong with a use of the global `name` whose use is `use` (the node that stands for it) */
function checkGlobal(name, spelled, use, parent, path) {
  if (Object.hasOwn(GLOBALS, name)) {
    // An open port keeps a process that waits for nothing else: a matter of the command line.
    if (name === 'MessageChannel' && path.startsWith('bin/')) return undefined;
    return through(GLOBALS[name], spelled);
  }
  if (name === 'process' && !isAtTheTop(path)) return `${spelled} belongs to src/node and bin`;
  if (!Object.hasOwn(MEMBERS, name)) return undefined;
  const forbidden = MEMBERS[name];
  if (parent?.type === 'MemberExpression' && unwrapped(parent.object) === use) {
    const member = memberName(parent);
    if (member === undefined) return `${spelled}[…] with a computed name cannot be checked`;
    return Object.hasOwn(forbidden, member) ? through(forbidden[member], `${spelled}.${member}`) : undefined;
  }
  if (parent?.type === 'BinaryExpression' && parent.operator === 'instanceof') return undefined;
  if (parent?.type === 'VariableDeclarator' && parent.id.type === 'ObjectPattern') {
    for (const property of parent.id.properties) {
      const member =
        property.type === 'Property' && !property.computed
          ? (property.key.name ?? property.key.value)
          : undefined;
      if (member === undefined) return `${spelled} must not be taken apart like this: it cannot be checked`;
      if (Object.hasOwn(forbidden, member)) return through(forbidden[member], `${spelled}.${member}`);
    }
    return undefined;
  }
  // Handed on as a whole, `process` can still be caught by the names of NAMES.
  if (name === 'process') return undefined;
  return `${spelled} is used by its members only, so that ${Object.keys(forbidden).join(', ')} can be seen`;
}

function checkIdentifier(node, { parents, bindingOf }, path) {
  if (bindingOf(node.name) !== undefined) return undefined;
  if (!WHOLE_WORLD.has(node.name)) return checkGlobal(node.name, node.name, node, parents.at(-1), path);
  // globalThis.globalThis.setTimeout is setTimeout.
  let use = node;
  let depth = parents.length - 1;
  for (; ; depth--) {
    const parent = parents[depth];
    if (parent?.type !== 'MemberExpression' || unwrapped(parent.object) !== use) {
      return `${node.name} is used by its members only, so that what it gives can be seen`;
    }
    const member = memberName(parent);
    if (member === undefined) return `${node.name}[…] with a computed name cannot be checked`;
    use = parent;
    if (!WHOLE_WORLD.has(member))
      return checkGlobal(member, `${node.name}.${member}`, use, parents[depth - 1], path);
  }
}

/** H8: what is imported from node:crypto must do its work in the call. */
function checkBackground(node, { parents, bindingOf, reference }) {
  let imported;
  let use = node;
  let parent = parents.at(-1);
  if (node.type !== 'Identifier' || !reference) return undefined;
  const binding = bindingOf(node.name);
  if (binding?.from !== 'node:crypto' && binding?.from !== 'crypto') return undefined;
  imported = binding.imported;
  if (imported === '*' || imported === 'default') {
    if (parent?.type !== 'MemberExpression' || unwrapped(parent.object) !== use)
      return 'H8: node:crypto is used by its members only';
    imported = memberName(parent);
    if (imported === undefined) return 'H8: node:crypto[…] with a computed name cannot be checked';
    use = parent;
    parent = parents.at(-2);
  }
  if (BACKGROUND_CRYPTO.has(imported))
    return `H8: ${imported} works in the background, where an error ends the process`;
  if (!Object.hasOwn(WITH_CALLBACK, imported)) return undefined;
  if (parent?.type !== 'CallExpression' || unwrapped(parent.callee) !== use) {
    return `H8: ${imported} of node:crypto is called directly, so that a callback can be seen`;
  }
  const spread = parent.arguments.some((argument) => argument.type === 'SpreadElement');
  if (spread || parent.arguments.length >= WITH_CALLBACK[imported]) {
    return `H8: ${imported} with a callback works in the background, where an error ends the process`;
  }
  return undefined;
}

/** @returns the names that a node asks for on whatever object or package; what comes from a room is that room's matter */
function namesAskedBy(node) {
  switch (node.type) {
    case 'MemberExpression':
      return [memberName(node)];
    case 'ImportDeclaration':
    case 'ExportNamedDeclaration':
      if (!node.source || node.source.value.startsWith('.')) return [];
      return node.specifiers.map(({ imported, local }) => {
        const name = node.type === 'ImportDeclaration' ? imported : local;
        return name?.name ?? name?.value;
      });
    case 'ObjectPattern':
      return node.properties.map(({ key, computed }) =>
        computed ? literalText(key) : (key?.name ?? key?.value),
      );
    default:
      return [];
  }
}

/** @returns findings `{ start, rule }` about the world that a module reaches for by itself */
export function checkAmbient(module) {
  const findings = [];
  const add = (node, rule) => {
    if (rule !== undefined) findings.push({ start: node.start, rule });
  };
  walkValues(module.program, (node, context) => {
    add(node, checkBackground(node, context));
    if (isRuntime(module.path)) return;
    if (context.reference) add(node, checkIdentifier(node, context, module.path));
    for (const name of namesAskedBy(node)) {
      if (name !== undefined && Object.hasOwn(NAMES, name)) add(node, through(NAMES[name], name));
    }
  });
  return findings;
}
