/**
 * Words, signs and brackets of a file's code, and the two things that are found with them: the
 * bodies of functions and the bodies of tests.
 */
import { lineAt, type Source } from './source.js';

interface Token {
  readonly text: string;
  readonly start: number;
}

interface Tokens {
  readonly list: readonly Token[];
  /** For every bracket, the index of its partner. */
  readonly partner: ReadonlyMap<number, number>;
  /** For every token, the index of the innermost bracket around it, or -1. */
  readonly around: readonly number[];
}

export interface FunctionBody {
  readonly line: number;
  readonly lines: number;
  /** The line of the brace that opens it. */
  readonly bodyLine: number;
  /** The first word of the call that the function is an argument of, or ''. */
  readonly argumentOf: string;
}

export interface TestBody {
  readonly line: number;
  readonly code: string;
}

const TOKEN = /[A-Za-z_$][\w$]*|\d[\w.]*|=>|'\s*'|"\s*"|\S/g;
const OPENING = new Set(['(', '[', '{']);
const CLOSING = new Set([')', ']', '}']);

function tokens(file: Source): Tokens {
  const list = [...file.code.matchAll(TOKEN)].map((m) => ({ text: m[0], start: m.index }));
  const partner = new Map<number, number>();
  const around: number[] = [];
  const open: number[] = [];
  list.forEach(({ text }, index) => {
    if (CLOSING.has(text)) {
      const start = open.pop();
      if (start !== undefined) partner.set(start, index).set(index, start);
    }
    around.push(open.at(-1) ?? -1);
    if (OPENING.has(text)) open.push(index);
  });
  return { list, partner, around };
}

/** Every function with a body in braces: declarations, methods, accessors, arrows. */
export function functionBodies(file: Source): FunctionBody[] {
  const all = tokens(file);
  const found: FunctionBody[] = [];
  all.list.forEach(({ text }, index) => {
    let [start, body] = [index, -1];
    if (text === '(') body = bodyAfterParameters(all, index);
    if (text === '=>' && textAt(all, index + 1) === '{' && isName(textAt(all, index - 1))) {
      [start, body] = [index - 1, index + 1];
    }
    const end = all.partner.get(body);
    if (end === undefined) return;
    const line = lineAt(file, all.list[start]?.start ?? 0);
    const lines = lineAt(file, all.list[end]?.start ?? 0) - line + 1;
    const bodyLine = lineAt(file, all.list[body]?.start ?? 0);
    found.push({ line, lines, bodyLine, argumentOf: calleeAround(all, start) });
  });
  return found;
}

/** Every call of it() or test(), through .each(table), .skipIf(condition) and so on. */
export function testBodies(file: Source): TestBody[] {
  const all = tokens(file);
  const found: TestBody[] = [];
  all.list.forEach(({ text, start }, index) => {
    if ((text !== 'it' && text !== 'test') || textAt(all, index - 1) === '.') return;
    let code: string | null = null;
    for (let at = index + 1; ; at++) {
      const end = textAt(all, at) === '(' ? all.partner.get(at) : undefined;
      if (end !== undefined) {
        code = file.code.slice(all.list[at]?.start, all.list[end]?.start);
        at = end;
      } else if (textAt(all, at) === '.') at++;
      else break;
    }
    if (code !== null) found.push({ line: lineAt(file, start), code });
  });
  return found;
}

/** Before a parenthesis: what comes behind it is a block and no function's body. */
const CONTROL = new Set(['if', 'for', 'while', 'switch', 'catch', 'with', 'await']);

/** The index of the brace that opens the body behind the parameters that begin here, or -1. */
function bodyAfterParameters(all: Tokens, open: number): number {
  const close = all.partner.get(open);
  if (close === undefined || CONTROL.has(textAt(all, open - 1))) return -1;
  if (textAt(all, open - 2) === 'extends') return -1;
  const next = close + 1;
  if (textAt(all, next) === '{') return next;
  const arrowOrBody = textAt(all, next) === ':' ? endOfType(all, next + 1) : next;
  if (textAt(all, arrowOrBody) === '{') return arrowOrBody;
  const isBlock = textAt(all, arrowOrBody) === '=>' && textAt(all, arrowOrBody + 1) === '{';
  return isBlock ? arrowOrBody + 1 : -1;
}

const BEFORE_TYPE = new Set(['keyof', 'typeof', 'readonly', 'unique', 'asserts', 'infer', 'new']);
const BETWEEN_TYPES = new Set(['|', '&', '.', 'is', 'extends', 'in', '?', ':']);

/** The index of the first token behind a return type, if that is a brace or an arrow; else -1. */
function endOfType(all: Tokens, from: number): number {
  let wantsOperand = true;
  for (let at = from; at < all.list.length; at++) {
    const text = textAt(all, at);
    if (text === '<') at = endOfAngles(all, at);
    else if (wantsOperand && OPENING.has(text)) {
      at = all.partner.get(at) ?? all.list.length;
      wantsOperand = false;
      // `(x: number) => void` as a type; with a brace behind the arrow it is taken for the body.
      if (text === '(' && textAt(all, at + 1) === '=>' && textAt(all, at + 2) !== '{') {
        at++;
        wantsOperand = true;
      }
    } else if (wantsOperand) {
      if (/^[\w$'"]/.test(text)) wantsOperand = BEFORE_TYPE.has(text);
      else if (!['|', '&', '-'].includes(text)) return -1;
    } else if (text === '{' || text === '=>') return at;
    else if (text === '[') at = all.partner.get(at) ?? all.list.length;
    else if (BETWEEN_TYPES.has(text)) wantsOperand = true;
    else return -1;
  }
  return -1;
}

function endOfAngles(all: Tokens, from: number): number {
  let depth = 0;
  for (let at = from; at < all.list.length; at++) {
    if (textAt(all, at) === '<') depth++;
    if (textAt(all, at) === '>' && --depth === 0) return at;
  }
  return all.list.length;
}

/** The first word of the call around a token: `describe` for what is inside describe.each(…)(…). */
function calleeAround(all: Tokens, index: number): string {
  const open = all.around[index] ?? -1;
  if (textAt(all, open) !== '(') return '';
  let at = open - 1;
  for (;;) {
    if (textAt(all, at) === ')') at = (all.partner.get(at) ?? 0) - 1;
    else if (textAt(all, at - 1) === '.') at -= 2;
    else return textAt(all, at);
  }
}

function textAt(all: Tokens, index: number): string {
  return all.list[index]?.text ?? '';
}

function isName(text: string): boolean {
  return /^[A-Za-z_$]/.test(text);
}
