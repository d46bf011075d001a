/**
 * What is done to a built module of the core to see whether somebody notices: a list of mutants,
 * each one small change of its text. Only what runs is changed: nothing at module scope, which
 * would throw at import or change a constant of the layout, and no text of a message.
 */
import { childrenOf, isFunction, nameOf, treeOf } from './syntax.mjs';

/** Methods of shared memory that write, and those of them whose result is what they found. */
const PLAIN_WRITES = new Set(['store', 'poke', 'fill', 'copy']);
const READ_AND_WRITE = {
  cas: (word, [expected, value]) => [`found === (${expected})`, `${word}, ${value}`],
  exchange: (word, [value]) => ['true', `${word}, ${value}`],
  add: (word, [value]) => ['true', `${word}, found + (${value})`],
  and: (word, [value]) => ['true', `${word}, found & (${value})`],
  or: (word, [value]) => ['true', `${word}, found | (${value})`],
  xor: (word, [value]) => ['true', `${word}, found ^ (${value})`],
};
const ATOMIC = new Set(['load', 'store', 'glance', 'notify', 'awaitChange']);
const PLAIN_OF = { load: 'peek', glance: 'peek', store: 'poke' };

/** What a call is left out as, by the name of the function; the first that fits. */
const CALLS = [
  ['lock', /^(?:acquire|release|lock[A-Z])/],
  [
    'section',
    /^(?:enterBriefly|leaveBriefly|rcuRead|rcuOffline|rcuOnline|goOnline|quiescent|leaveAll)/,
  ],
  ['flush', /^flush/],
  ['notify', /^(?:wake|notify)/],
  ['refusal', /^(?:breakRule|throwIfBroken|require[A-Z]|refuse[A-Z]|fail$|assert)/],
  ['call', /./],
];

/** Functions whose value is a yes or a no about shared memory. */
const ASKS = /^(?:is[A-Z]|has[A-Z]|grace(?:Begun|Ended)$)/;

/** Functions that only make a text. */
const TEXTS =
  /^(?:say|describe|why|nameOf|noSuch|explainForeign|formatPage|writeAfterFree|foreign)/;

const BOUNDS = { '<': '<=', '<=': '<', '>': '>=', '>=': '>' };
const ARITHMETIC = new Set(['+', '-', '*', '<<', '>>', '>>>']);

/** Every operator, with what it does. */
export const OPERATORS = {
  write: 'a shared write is left out',
  torn: 'a read-and-write becomes a load and a store',
  plain: 'an atomic access becomes a plain one',
  notify: 'nobody is woken',
  wait: 'nobody waits',
  lock: 'a lock is not taken, or not let go of',
  section: 'a read section is not entered, or not left',
  flush: 'no TLB is flushed',
  liveness: 'a question about shared memory is answered yes, or no',
  call: 'a call is left out',
  assign: 'an assignment is left out',
  swap: 'two accesses are made in the other order',
  guard: 'an early end is left out',
  refusal: 'a refusal is left out',
  branch: 'what is done on a condition is never done',
  always: 'what is done on a condition is always done',
  negate: 'a condition is negated',
  operand: 'half of a condition is left out',
  bound: 'a bound is moved',
  number: 'a number is one more, or one less',
};

/** All mutants of a module: where, by which operator, and what stands there instead. */
export function mutantsOf(text) {
  const found = new Map();
  const source = (node) => text.slice(node.start, node.end);
  const toolsIn = (within) => ({
    text,
    source,
    add: (operator, { start, end }, replacement) => {
      if (replacement === text.slice(start, end)) return;
      const key = `${start} ${end} ${replacement}`;
      if (!found.has(key)) found.set(key, { operator, within, start, end, replacement });
    },
  });
  visit(treeOf(text), [], '', toolsIn);
  return [...found.values()].sort((one, other) => one.start - other.start || one.end - other.end);
}

/** Goes through the tree; `path` are the nodes around, the nearest last; `within` a function. */
function visit(node, path, within, toolsIn) {
  if (isText(node)) return;
  if (path.some(isFunction)) {
    for (const mutate of MUTATIONS[node.type] ?? []) mutate(node, path, toolsIn(within));
  }
  for (const child of childrenOf(node)) {
    visit(child, [...path, node], nameOf(child) ?? within, toolsIn);
  }
}

function isText(node) {
  if (node.type === 'ThrowStatement' || node.type === 'TemplateLiteral') return true;
  if (node.type === 'NewExpression' && /Error$/.test(node.callee.name)) return true;
  return isFunction(node) && TEXTS.test(node.id?.name ?? '');
}

/** The method, if a node is a call of shared memory. */
function accessOf(node) {
  if (node?.type !== 'CallExpression' || node.callee.type !== 'MemberExpression') return null;
  const { object, property } = node.callee;
  const name = object.type === 'MemberExpression' ? object.property.name : object.name;
  return name === 'mem' || name === 'memory' ? property.name : null;
}

function nameOfCall({ callee }) {
  return callee.type === 'Identifier' ? callee.name : null;
}

const isStatement = (path) => path.at(-1).type === 'ExpressionStatement';

function leaveOutAccess(node, path, { add, source }) {
  const method = accessOf(node);
  if (method === null) return;
  const place = isStatement(path) ? path.at(-1) : node;
  const isWrite = PLAIN_WRITES.has(method) || method in READ_AND_WRITE;
  if (isStatement(path)) {
    if (isWrite) add('write', place, ';');
    if (method === 'notify') add('notify', place, ';');
    if (method.startsWith('awaitChange')) add('wait', place, ';');
    return;
  }
  if (method in READ_AND_WRITE) {
    add('write', node, `${source(node.callee.object)}.load(${source(node.arguments[0])})`);
  }
  if (method === 'awaitChange') add('wait', node, 'false');
}

function makePlain(node, _path, { add, source }) {
  const method = accessOf(node);
  if (method === null) return;
  if (method in PLAIN_OF) add('plain', node.callee.property, PLAIN_OF[method]);
  if (!(method in READ_AND_WRITE)) return;
  const memory = source(node.callee.object);
  const [word, ...rest] = node.arguments.map(source);
  const [condition, stored] = READ_AND_WRITE[method](word, rest);
  const store = `${memory}.store(${stored})`;
  const body =
    condition === 'true' ? `(${store}, found)` : `(${condition} ? (${store}, found) : found)`;
  add('torn', node, `((found) => ${body})(${memory}.load(${word}))`);
}

function leaveOutCall(node, path, { add }) {
  const name = nameOfCall(node);
  if (name === null) return;
  if (isStatement(path)) {
    const [operator] = CALLS.find(([, names]) => names.test(name));
    add(operator, path.at(-1), ';');
    return;
  }
  if (name === 'acquireWithin') add('lock', node, 'true');
  if (!ASKS.test(name)) return;
  add('liveness', node, 'true');
  add('liveness', node, 'false');
}

function leaveOutAssignment(node, _path, { add }) {
  if (node.expression.type === 'AssignmentExpression') add('assign', node, ';');
}

/** Whether a statement ends what comes after it, or throws. */
function endOf(statement) {
  const last = statement.type === 'BlockStatement' ? statement.body.at(-1) : statement;
  if (last === undefined) return null;
  if (last.type === 'ThrowStatement') return 'refusal';
  const call = last.type === 'ReturnStatement' ? last.argument : last.expression;
  if (call?.type === 'CallExpression' && CALLS[4][1].test(nameOfCall(call) ?? '')) return 'refusal';
  return /^(?:Return|Continue|Break)Statement$/.test(last.type) ? 'guard' : null;
}

function changeIf(node, _path, { add, source }) {
  const end = endOf(node.consequent);
  add(end ?? 'branch', node.test, 'false');
  if (end !== 'refusal') add('always', node.test, 'true');
  if (node.alternate !== null) add('negate', node.test, `!(${source(node.test)})`);
}

function negate({ test }, _path, { add, source }) {
  if (test !== null) add('negate', test, `!(${source(test)})`);
}

function leaveOutOperand({ operator, left, right, start, end }, _path, { add, source }) {
  if (operator === '??') return;
  add('operand', { start, end }, `(${source(left)})`);
  add('operand', { start, end }, `(${source(right)})`);
}

function moveBound({ operator, left, right }, _path, { add, text }) {
  const start = text.indexOf(operator, left.end);
  const other = BOUNDS[operator];
  if (other !== undefined) add('bound', { start, end: start + operator.length }, other);
  if (!ARITHMETIC.has(operator)) return;
  for (const side of [left, right]) changeNumber(side, add);
}

function changeNumber(node, add) {
  if (node.type !== 'Literal' || typeof node.value !== 'number') return;
  add('number', node, `${node.value + 1}`);
  if (node.value > 0) add('number', node, `${node.value - 1}`);
}

function swapNeighbours({ body }, _path, { add, source }) {
  for (const [index, first] of body.entries()) {
    const second = body[index + 1];
    if (second === undefined || !mayBeSwapped(first, second)) continue;
    const place = { start: first.start, end: second.end };
    add('swap', place, `${source(second)} ${source(first)}`);
  }
}

/** Two plain accesses are in no order that a thread can see, if there is no race. */
function mayBeSwapped(first, second) {
  const kinds = [first, second].map(orderOf);
  if (kinds.includes(null) || !kinds.includes('ordered')) return false;
  const declared = new Set(declaredBy(first));
  return !namesIn(second).some((name) => declared.has(name));
}

/** `ordered`: it has an atomic access or a call that may have; null: it makes no access. */
function orderOf(statement) {
  const isSimple = /^(?:Expression|If)Statement$|^VariableDeclaration$/.test(statement.type);
  if (!isSimple || (statement.type === 'IfStatement' && endOf(statement.consequent) !== null)) {
    return null;
  }
  const calls = nodesIn(statement).filter(({ type }) => type === 'CallExpression');
  if (statement.type !== 'VariableDeclaration' && calls.some((call) => isEffect(call))) {
    return 'ordered';
  }
  const accesses = calls.map(accessOf).filter((method) => method !== null);
  if (accesses.some((method) => ATOMIC.has(method) || method in READ_AND_WRITE)) return 'ordered';
  return accesses.length > 0 ? 'plain' : null;
}

function isEffect(call) {
  return nameOfCall(call) !== null && !/^(?:at|lowWord|highWord)$/.test(nameOfCall(call));
}

function declaredBy(statement) {
  if (statement.type !== 'VariableDeclaration') return [];
  return statement.declarations.flatMap(({ id }) => namesIn(id));
}

function namesIn(node) {
  return nodesIn(node)
    .filter(({ type }) => type === 'Identifier')
    .map(({ name }) => name);
}

function nodesIn(node) {
  return [node, ...childrenOf(node).flatMap(nodesIn)];
}

const MUTATIONS = {
  CallExpression: [leaveOutAccess, makePlain, leaveOutCall],
  ExpressionStatement: [leaveOutAssignment],
  IfStatement: [changeIf],
  ConditionalExpression: [negate],
  WhileStatement: [negate],
  ForStatement: [negate],
  LogicalExpression: [leaveOutOperand],
  BinaryExpression: [moveBound],
  BlockStatement: [swapNeighbours],
};
