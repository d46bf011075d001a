/** What reports of runs on threads have in common: their figures, and what was found. */
import { countOf, formatCount, padAll } from './text.js';

export type Cell = readonly [value: string, what: string];
export type Row = readonly [name: string, ...cells: Cell[]];

const VIOLATIONS_SHOWN = 10;
const GAP = '   ';

/** Values to the right, names and units to the left. */
export function table(rows: readonly Row[]): string[] {
  const names = padAll(rows.map(([name]) => name));
  const lines = [...names];
  const count = Math.max(...rows.map((row) => row.length)) - 1;
  for (let column = 0; column < count; column++) {
    const cells = rows.map(([, ...row]) => row[column] ?? ['', '']);
    const width = Math.max(...cells.map(([value]) => value.length));
    const whats = padAll(cells.map(([, what]) => what));
    cells.forEach(([value], at) => {
      lines[at] += `${GAP}${value.padStart(width)} ${whats[at]}`;
    });
  }
  return lines.map((line) => line.trimEnd());
}

/** One sentence a line: how many, the first of them, and how many more. */
export function violationLines(
  violations: readonly { readonly rule: string; readonly detail: string }[],
): string[] {
  const shown = violations
    .slice(0, VIOLATIONS_SHOWN)
    .map(({ rule, detail }) => `${rule}  ${detail}`);
  const left = violations.length - shown.length;
  const rest = left > 0 ? [`and ${formatCount(left)} more; --json lists them all`] : [];
  return [`violated: ${countOf(violations.length, 'violation')}`, ...shown, ...rest];
}
