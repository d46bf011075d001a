/** Sizes, headers, comments and tests: what a file looks like, whatever it is about. */
import { type Finding, finding, roomOf, type Source } from './source.js';
import { functionBodies, testBodies } from './tokens.js';

const COLUMNS_MAX = 100;
const FUNCTION_LINES_MAX = 70;
const FUNCTION_MEDIAN_MAX = 8;
const FILE_LINES_MAX = { src: 350, other: 500 };
const HEADER_LETTERS_MIN = 12;

/** Comment lines per 100 lines of code, in the rooms where every line needs its argument. */
const DENSITY_ROOMS = ['mem', 'rcu', 'frag'];
const DENSITY = { min: 15, max: 45 };

/** The same inside of functions: in a header an argument is far from the line that it is about. */
const BODY_DENSITY_ROOMS = ['rcu', 'frag', 'pgtable', 'api'];
const BODY_DENSITY_MIN = 7;

export function checkLines(file: Source): Finding[] {
  const found: Finding[] = [];
  file.lines.forEach((line, index) => {
    const columns = [...line].length;
    // An address can't be broken.
    if (columns <= COLUMNS_MAX || /^\W*https?:\S+$/.test(line)) return;
    found.push(finding(file, index + 1, `${columns} columns; the limit is ${COLUMNS_MAX}`));
  });
  const max = file.path.startsWith('src/') ? FILE_LINES_MAX.src : FILE_LINES_MAX.other;
  const count = file.lines.length - (file.text.endsWith('\n') ? 1 : 0);
  if (count > max) found.push(finding(file, max + 1, `${count} lines; a file has at most ${max}`));
  return found;
}

/** A describe() groups tests and is no function to be read as one; everything else is. */
export function checkFunctions(file: Source): Finding[] {
  return functionBodies(file)
    .filter(({ lines, argumentOf }) => lines > FUNCTION_LINES_MAX && argumentOf !== 'describe')
    .map(({ line, lines }) =>
      finding(file, line, `a function of ${lines} lines; the limit is ${FUNCTION_LINES_MAX}`),
    );
}

export function checkHeader(file: Source): Finding[] {
  const text = file.text.replace(/^#!.*\n/, '').trimStart();
  const block = /^\/\*[\s\S]*?\*\/|^(?:\/\/.*\n?)+/.exec(text)?.[0] ?? '';
  const letters = block.replace(/[^A-Za-z]/g, '').length;
  if (letters >= HEADER_LETTERS_MIN) return [];
  return [finding(file, 1, 'no header: begin with a comment that says what the file is for')];
}

/** A test that asserts nothing passes for ever. */
export function checkAssertions(file: Source): Finding[] {
  const asserts = /\b(?:expect|assert|check|verify)\w*\s*(?:<[^>]*>)?[.(]/;
  return testBodies(file)
    .filter(({ code }) => !asserts.test(code))
    .map(({ line }) =>
      finding(file, line, 'a test without expect, assert or a call named expect/check/verify…'),
    );
}

export function checkDensity(files: readonly Source[]): Finding[] {
  const counted = files.filter((file) => DENSITY_ROOMS.includes(roomOf(file.path) ?? ''));
  const density = commentDensity(counted);
  const [first] = counted;
  if (first === undefined || (density >= DENSITY.min && density <= DENSITY.max)) return [];
  const message =
    `${DENSITY_ROOMS.join(', ')} have ${density.toFixed(1)} comment lines ` +
    `per 100 lines of code; they should have ${DENSITY.min} to ${DENSITY.max}`;
  return [finding(first, 1, message)];
}

/** Comment lines per 100 lines of code inside of functions, of each room that argues there. */
export function checkBodyDensity(files: readonly Source[]): Finding[] {
  return BODY_DENSITY_ROOMS.flatMap((room) => {
    const counted = files.filter((file) => roomOf(file.path) === room);
    const [first] = counted;
    const density = commentDensity(counted, linesInBodies);
    if (first === undefined || density >= BODY_DENSITY_MIN) return [];
    const message =
      `${room} has ${density.toFixed(1)} comment lines per 100 lines of code in functions; ` +
      `it should have ${BODY_DENSITY_MIN}: say at the line why an order matters, who else is there`;
    return [finding(first, 1, message)];
  });
}

/** The function in the middle of each room: a long one here and there is made up for by others. */
export function checkMedian(files: readonly Source[]): Finding[] {
  const rooms = new Set(files.filter(({ path }) => path.startsWith('src/')).map(roomOfFile));
  return [...rooms].flatMap((room) => {
    const counted = files.filter((file) => roomOfFile(file) === room);
    const lengths = counted.flatMap(functionBodies).map(({ lines }) => lines);
    const median = lengths.sort((a, b) => a - b)[lengths.length >> 1] ?? 0;
    const [first] = counted;
    if (first === undefined || median <= FUNCTION_MEDIAN_MAX) return [];
    const message = `the median function of ${room} has ${median} lines; it should have at most`;
    return [finding(first, 1, `${message} ${FUNCTION_MEDIAN_MAX}`)];
  });
}

const roomOfFile = ({ path }: Source): string | null => roomOf(path);

/** Between the braces of functions, counted from 1. */
function linesInBodies(file: Source): Set<number> {
  const inside = new Set<number>();
  for (const { line, lines, bodyLine } of functionBodies(file)) {
    for (let at = bodyLine + 1; at < line + lines - 1; at++) inside.add(at);
  }
  return inside;
}

/** Lines that are only comment, headers included, per 100 lines of code. */
function commentDensity(
  files: readonly Source[],
  countedIn?: (file: Source) => ReadonlySet<number>,
): number {
  let [comments, code] = [0, 0];
  for (const file of files) {
    const commented = new Set(file.comments.map(({ line }) => line));
    const counted = countedIn?.(file);
    file.lines.forEach((line, index) => {
      if (line.trim() === '' || counted?.has(index + 1) === false) return;
      const isCode = (file.codeLines[index] ?? '').trim() !== '' || !commented.has(index + 1);
      if (isCode) code++;
      else comments++;
    });
  }
  return code === 0 ? 0 : (100 * comments) / code;
}
