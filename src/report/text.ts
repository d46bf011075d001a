/** Numbers as people read them, in columns, and sentences in lines. */

/**
 * Rows of cells, every column aligned to the right and at least `width` wide, so that tables of the
 * same kind below each other have the same columns.
 */
export function alignRight(rows: readonly (readonly string[])[], width: number): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(width, ...rows.map((row) => (row[column] ?? '').length)),
  );
  return rows.map((row) => row.map((cell, at) => cell.padStart(widths[at] ?? 0)).join(' '));
}

/** Texts, each filled up to the longest. */
export function padAll(texts: readonly string[], width = 0): string[] {
  const longest = Math.max(width, ...texts.map((text) => text.length));
  return texts.map((text) => text.padEnd(longest));
}

/** 12,345 */
export function formatCount(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(?:\d{3})+$)/g, ',');
}

/** 12,345 or 1.23M: seven letters at most. */
export function formatShort(value: number): string {
  if (value < 1e6) return formatCount(value);
  const [unit, letter] = value < 1e9 ? [1e6, 'M'] : [1e9, 'G'];
  return `${(value / unit).toPrecision(4)}${letter}`;
}

/** 1,234.56 */
export function formatMean(value: number): string {
  return fixed(value, 2).replace(/\B(?=(?:\d{3})+\.)/g, ',');
}

/** So many digits after the point, and no minus before what they show as nothing. */
export function fixed(value: number, digits: number): string {
  const text = value.toFixed(digits);
  return Number(text) === 0 ? text.replace('-', '') : text;
}

/** `48 %`, `-0.5 %`: two digits or more. */
export function formatShare(share: number): string {
  const percent = 100 * share;
  return `${fixed(percent, Math.abs(percent) < 9.95 ? 1 : 0)} %`;
}

/** The one as a multiple of the other. Of nothing there are no multiples. */
export function formatRatio(value: number, reference: number): string {
  return reference > 0 ? (value / reference).toFixed(2) : '-';
}

export function formatMib(bytes: number): string {
  return fixed(bytes / 2 ** 20, 2);
}

/** Microseconds in the unit that suits them. */
export function formatUs(us: number): string {
  if (us < 1000) return `${us} us`;
  return us < 1e6 ? `${(us / 1e3).toFixed(1)} ms` : `${(us / 1e6).toFixed(1)} s`;
}

export function formatSeconds(seconds: number): string {
  return `${seconds.toFixed(1)} s`;
}

/** `1 mm`, `2 mms`. */
export function countOf(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** Breaks a sentence at blanks so that no line has more than `columns`, where words allow it. */
export function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
