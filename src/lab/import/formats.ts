/** The formats that can be imported, by name, and which of them a text is. */
import type { OnAction } from './action.js';
import { FtraceParser } from './ftrace.js';
import type { LineParser } from './line-parser.js';
import { PerfScriptParser } from './perf-script.js';
import { PerfTraceParser } from './perf-trace.js';
import { StraceParser } from './strace.js';

export const FORMATS = ['perf-trace', 'perf-script', 'strace', 'ftrace'] as const;

export type Format = (typeof FORMATS)[number];

const MAKE: Readonly<Record<Format, (onAction: OnAction) => LineParser>> = {
  'perf-trace': (onAction) => new PerfTraceParser(onAction),
  'perf-script': (onAction) => new PerfScriptParser(onAction),
  strace: (onAction) => new StraceParser(onAction),
  ftrace: (onAction) => new FtraceParser(onAction),
};

/** Formats that tell of every fault. */
export function hasFaults(format: Format): boolean {
  return format !== 'strace';
}

export function makeParser(format: Format, onAction: OnAction): LineParser {
  return MAKE[format](onAction);
}

/** The format in which the most of these lines say something; null: they say nothing in any. */
export function recognise(lines: readonly string[]): Format | null {
  let best: Format | null = null;
  let most = 0;
  for (const format of FORMATS) {
    const parser = makeParser(format, () => {});
    const used = lines.filter((line) => parser.line(line) === 'used').length;
    // A recording that lacks something is of its format all the same.
    const score = used + (parser.advice ? 1 : 0);
    if (score > most) {
      best = format;
      most = score;
    }
  }
  return best;
}
