/** What of the built core no scenario runs: functions, and statements of functions that do run. */
import { CATALOGUE } from '../../dist/checker/proof/index.js';
import { coreModules } from './build.mjs';
import { ran } from './coverage.mjs';
import { cover } from './lane.mjs';
import { childrenOf, isFunction, nameOf, treeOf } from './syntax.mjs';

/** The first executions of a scenario run what the others run. */
const STEPS_MAX = 150_000;
const SECONDS_MAX = 600;

/** The scenarios of the core that ships; the variants' are about the variants. */
export const SCENARIOS = CATALOGUE.filter(
  ({ design = 'common', large }) => design === 'common' && large !== true,
);

/** By function, as `file.ts:name`: what never runs as a whole, and the statements that don't. */
export async function unrun() {
  const isRun = await ranByAny();
  const [whole, parts] = [new Set(), new Map()];
  for (const [file, text] of coreModules()) {
    const source = file.replace(/\.js$/, '.ts');
    for (const { name, statement } of unrunIn(text, (place) => isRun(file, place))) {
      const place = `${source}:${name}`;
      if (statement === null) whole.add(place);
      else parts.set(place, [...(parts.get(place) ?? []), statement]);
    }
  }
  return { whole, parts };
}

async function ranByAny() {
  const all = [];
  const scenarios = SCENARIOS.map(({ name }) => ({
    ...{ name, stepsMax: STEPS_MAX, seconds: SECONDS_MAX },
  }));
  await cover(scenarios, ({ name, verdict, covered }) => {
    if (verdict === 'violated') throw new Error(`${name} is violated`);
    all.push(covered);
  });
  return (file, place) => all.some((covered) => ran(covered[file] ?? [], place));
}

/** What of a module does not run. `statement` is null where all of a function does not. */
export function unrunIn(text, isRun) {
  const found = [];
  const visit = (node, name) => {
    if (isFunction(node)) {
      if (isRun(node.body.start)) for (const child of childrenOf(node)) visit(child, name);
      // One without a name, at module scope, runs when the module is loaded.
      else if (name !== '') found.push({ name, statement: null });
      return;
    }
    const isPart = /Statement$/.test(node.type) && node.type !== 'BlockStatement';
    if (name !== '' && isPart && !isRun(node.start)) {
      if (!isRefusal(node)) found.push({ name, statement: text.slice(node.start, node.end) });
      return;
    }
    for (const child of childrenOf(node)) visit(child, nameOf(child) ?? name);
  };
  visit(treeOf(text), '');
  return found;
}

/** What ends an operation that was called wrongly, or that found a rule broken. */
function isRefusal(node) {
  if (node.type === 'ThrowStatement') return true;
  const value = node.type === 'ReturnStatement' ? node.argument : node.expression;
  return value?.type === 'CallExpression' && REFUSES.test(value.callee.name ?? '');
}

const REFUSES = /^(?:breakRule|refused|foreign|doubleFree)$/;
