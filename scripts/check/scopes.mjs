// Walks the values of a module (types are left out) and knows at each place what a name is bound to.
// A rule about globals must tell `setTimeout` the global from `setTimeout` the parameter.

/** Node types that only tell the compiler something about the expression inside. */
const WRAPPERS = new Set([
  'TSAsExpression',
  'TSSatisfiesExpression',
  'TSNonNullExpression',
  'TSTypeAssertion',
  'TSInstantiationExpression',
  'TSExportAssignment',
]);

/** @returns the expression itself, without what only the compiler reads: `(globalThis as X)`, `a!` */
export function unwrapped(node) {
  let inner = node;
  while (
    inner !== null &&
    inner !== undefined &&
    (WRAPPERS.has(inner.type) || inner.type === 'ChainExpression')
  ) {
    inner = inner.expression;
  }
  return inner;
}

/** Values live in these, too, though their names begin like those of types. */
const VALUE_NODES = new Set([
  'TSParameterProperty',
  'TSEnumDeclaration',
  'TSEnumBody',
  'TSEnumMember',
  'TSModuleDeclaration',
  'TSModuleBlock',
]);

const FUNCTIONS = new Set(['FunctionDeclaration', 'FunctionExpression', 'ArrowFunctionExpression']);

/** Names bound by a pattern. */
function* patternNames(pattern) {
  if (pattern === null || pattern === undefined) return;
  switch (pattern.type) {
    case 'Identifier':
      yield pattern.name;
      break;
    case 'ObjectPattern':
      for (const property of pattern.properties) yield* patternNames(property.value ?? property.argument);
      break;
    case 'ArrayPattern':
      for (const element of pattern.elements) yield* patternNames(element);
      break;
    case 'AssignmentPattern':
      yield* patternNames(pattern.left);
      break;
    case 'RestElement':
      yield* patternNames(pattern.argument);
      break;
    case 'TSParameterProperty':
      yield* patternNames(pattern.parameter);
      break;
  }
}

/** Adds what the statements of one block declare. A `declare` says that a global exists, not that a local does. */
function declareBlock(statements, scope) {
  for (const statement of statements) {
    const node = statement.type.startsWith('Export') ? (statement.declaration ?? statement) : statement;
    if (node === null || node.declare === true) continue;
    if (node.type === 'VariableDeclaration') {
      for (const { id } of node.declarations) for (const name of patternNames(id)) scope.set(name, {});
    } else if (['FunctionDeclaration', 'ClassDeclaration', 'TSEnumDeclaration'].includes(node.type)) {
      if (node.id !== null && node.id !== undefined) scope.set(node.id.name, {});
    } else if (node.type === 'ImportDeclaration') {
      for (const specifier of node.specifiers) {
        const imported =
          specifier.type === 'ImportSpecifier'
            ? (specifier.imported.name ?? specifier.imported.value)
            : specifier.type === 'ImportDefaultSpecifier'
              ? 'default'
              : '*';
        scope.set(specifier.local.name, { from: node.source.value, imported });
      }
    }
  }
}

/** `var` belongs to the function, however deep it stands. */
function declareVars(node, scope) {
  if (Array.isArray(node)) {
    for (const one of node) declareVars(one, scope);
    return;
  }
  if (node === null || typeof node !== 'object' || typeof node.type !== 'string') return;
  if (FUNCTIONS.has(node.type)) return;
  if (node.type === 'VariableDeclaration' && node.kind === 'var' && node.declare !== true) {
    for (const { id } of node.declarations) for (const name of patternNames(id)) scope.set(name, {});
  }
  for (const value of Object.values(node))
    if (value !== null && typeof value === 'object') declareVars(value, scope);
}

/** @returns the names that a node brings into its own inside */
function scopeOf(node) {
  const scope = new Map();
  if (node.type === 'Program') {
    declareBlock(node.body, scope);
    declareVars(node.body, scope);
  } else if (FUNCTIONS.has(node.type)) {
    if (node.type === 'FunctionExpression' && node.id) scope.set(node.id.name, {});
    for (const parameter of node.params) for (const name of patternNames(parameter)) scope.set(name, {});
    if (node.body?.type === 'BlockStatement') declareVars(node.body.body, scope);
  } else if (node.type === 'BlockStatement' || node.type === 'StaticBlock') {
    declareBlock(node.body, scope);
  } else if (node.type === 'SwitchStatement') {
    for (const one of node.cases) declareBlock(one.consequent, scope);
  } else if (node.type === 'CatchClause') {
    for (const name of patternNames(node.param)) scope.set(name, {});
  } else if (node.type === 'ForStatement' && node.init?.type === 'VariableDeclaration') {
    declareBlock([node.init], scope);
  } else if (
    (node.type === 'ForOfStatement' || node.type === 'ForInStatement') &&
    node.left.type === 'VariableDeclaration'
  ) {
    declareBlock([node.left], scope);
  } else if (node.type === 'ClassExpression' && node.id) {
    scope.set(node.id.name, {});
  }
  return scope.size > 0 ? scope : undefined;
}

/** Whether an Identifier node stands for a value here, and is not just the name of a property, label or binding. */
function isReference(parent, key) {
  switch (parent.type) {
    case 'MemberExpression':
      return key === 'object' || parent.computed;
    case 'Property':
      return key === 'value' || parent.computed;
    case 'MethodDefinition':
    case 'PropertyDefinition':
    case 'AccessorProperty':
    case 'TSEnumMember':
      return key !== 'key' && key !== 'id' ? true : parent.computed === true && key === 'key';
    case 'LabeledStatement':
    case 'BreakStatement':
    case 'ContinueStatement':
    case 'MetaProperty':
    case 'ImportSpecifier':
    case 'ImportDefaultSpecifier':
    case 'ImportNamespaceSpecifier':
    case 'ExportAllDeclaration':
      return false;
    case 'ExportSpecifier':
      return key === 'local';
    default:
      return true;
  }
}

/**
 * Calls `visit(node, context)` for every value node, outermost first.
 * `context.parents` are the nodes around it, innermost last; `context.bindingOf(name)` is undefined for a global,
 * `{ from, imported }` for an import, and `{}` for what the module itself declares; `context.reference` tells whether
 * an Identifier stands for a value.
 */
export function walkValues(program, visit) {
  const scopes = [];
  const parents = [];
  const bindingOf = (name) => {
    for (let i = scopes.length - 1; i >= 0; i--) if (scopes[i].has(name)) return scopes[i].get(name);
    return undefined;
  };
  const go = (node, key) => {
    if (Array.isArray(node)) {
      for (const one of node) go(one, key);
      return;
    }
    if (node === null || typeof node !== 'object' || typeof node.type !== 'string') return;
    if (node.type.startsWith('TS') && !VALUE_NODES.has(node.type)) {
      if (WRAPPERS.has(node.type)) go(node.expression, key);
      return;
    }
    if (node.declare === true || node.importKind === 'type' || node.exportKind === 'type') return;
    const parent = parents.at(-1);
    const scope = scopeOf(node);
    if (scope !== undefined) scopes.push(scope);
    const reference = node.type === 'Identifier' && parent !== undefined && isReference(parent, key);
    visit(node, { parents, key, bindingOf, reference });
    parents.push(node);
    // A re-export names things of another module, not values of this one.
    const names = node.type === 'ExportNamedDeclaration' && node.source ? ['declaration'] : Object.keys(node);
    for (const name of names) if (name !== 'typeAnnotation') go(node[name], name);
    parents.pop();
    if (scope !== undefined) scopes.pop();
  };
  go(program, '');
}
