/**
 * A value that somebody gave: asked what it is, shown in a message, refused. None of its own code
 * is run.
 *
 * A template string throws for a symbol, and calls `toString` of an object, which may throw too.
 */
import { UsageError } from './errors.js';

/** Of a text or a number, as much is shown. */
const LETTERS_MAX = 60;

/** Whether it is a Proxy that was revoked: whatever is done with such a one throws. */
export function isRevoked(value: unknown): boolean {
  try {
    // It asks what the Proxy stands for, and calls no function of its maker's.
    Array.isArray(value);
    return false;
  } catch {
    return true;
  }
}

/** Whether a property can be asked for without a surprise: no function, no array, not null. */
export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !isRevoked(value) && !Array.isArray(value);
}

export function isArray(value: unknown): value is readonly unknown[] {
  return !isRevoked(value) && Array.isArray(value);
}

/** For example `1n`, `Symbol(x)`, `'map'`, `NaN`, `an object`. */
export function shown(value: unknown): string {
  if (isRevoked(value)) return 'a revoked Proxy';
  switch (typeof value) {
    case 'string':
      return `'${cut(value)}'`;
    case 'bigint':
      return `${cut(String(value))}n`;
    case 'symbol':
      return cut(value.toString());
    case 'function':
      return 'a function';
    case 'object':
      if (value === null) return 'null';
      return Array.isArray(value) ? 'an array' : 'an object';
    default:
      return Object.is(value, -0) ? '-0' : String(value);
  }
}

function cut(text: string): string {
  return text.length <= LETTERS_MAX ? text : `${text.slice(0, LETTERS_MAX)}…`;
}

/** The error for something that was given, by name, and what would have been right. */
export function refusal(code: string, name: string, given: unknown, allowed: string): UsageError {
  return new UsageError(code, `${name} is ${shown(given)}; ${allowed}`);
}

/** The method that Node's `console.log` asks for. Other engines know nothing of it. */
const INSPECT = Symbol.for('nodejs.util.inspect.custom');

/**
 * Gives all objects of a class a line of text, for `console.log`, templates and JSON: what they
 * hold is the words of a whole heap.
 */
export function showAs<Self extends object>(prototype: Self, line: (self: Self) => string): void {
  function show(this: Self): string {
    // The prototype itself has none of what the line names.
    return this === prototype ? 'a prototype' : line(this);
  }
  for (const name of [INSPECT, 'toString', 'toJSON']) {
    Object.defineProperty(prototype, name, { value: show, configurable: true, writable: true });
  }
}
