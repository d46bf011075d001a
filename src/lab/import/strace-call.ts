/**
 * The text of one call, as strace prints it: arguments and result.
 *
 *   mmap(NULL, 8192, PROT_READ, MAP_PRIVATE, 3</tmp/a, (b>, 0) = 0x7fc7 <0.0>
 *
 * Commas and parentheses also stand in strings, in structures, in comments (-X verbose, -v) and in
 * the paths of descriptors (-y). A text is gone through once, letter by letter.
 */
import { matchAt } from './line-parser.js';

export interface CallText {
  /** Without comments. */
  readonly words: readonly string[];
  /** What it returned; empty: it has not, or that is cut off. */
  readonly result: string;
}

const RESULT = /\) *= +(\?|-?0x[\da-f]+|-?\d+)(?=$|[ <])/y;
const [SLASH, COMMA, CLOSES] = [...'/,)'].map((c) => c.charCodeAt(0));

/** What each letter adds to the depth of parentheses, and which ones are looked at. */
const DEPTH: readonly number[] = table((c) => ('([{'.includes(c) ? 1 : ')]}'.includes(c) ? -1 : 0));
const SPECIAL: readonly number[] = table((c) => ('"</,()[]{}'.includes(c) ? 1 : 0));

const PATH_BEGINS = /[\dA-Z_]<[^<= ]/y;

/** Reads what stands behind the opening parenthesis. */
export function readCall(text: string): CallText {
  const words: string[] = [];
  let before = '';
  let from = 0;
  let depth = 0;
  let at = 0;
  for (; at < text.length; at++) {
    const c = text.charCodeAt(at);
    if (!SPECIAL[c]) continue;
    const end = endOfQuoted(text, at);
    if (end > at) {
      if (c === SLASH) {
        before += text.slice(from, at).trimEnd();
        from = end + 1;
      }
      at = end;
    } else if (c === COMMA && depth === 0) {
      words.push((before + text.slice(from, at)).trim());
      before = '';
      from = at + 1;
    } else if (c === CLOSES && depth === 0) break;
    else depth += DEPTH[c] ?? 0;
  }
  words.push((before + text.slice(from, at)).trim());
  return { words, result: matchAt(RESULT, text, at)?.[1] ?? '' };
}

/** Where a string, a comment or a path that begins there ends; -1: none begins there. */
function endOfQuoted(text: string, at: number): number {
  const c = text[at];
  if (c === '"') return endOfString(text, at);
  if (c === '/' && text[at + 1] === '*') return orLast(text, text.indexOf('*/', at + 2) + 1);
  if (c === '<' && at > 0 && matchAt(PATH_BEGINS, text, at - 1) !== null)
    return endOfPath(text, at);
  return -1;
}

function endOfString(text: string, at: number): number {
  for (let i = at + 1; i < text.length; i++) {
    if (text[i] === '\\') i++;
    else if (text[i] === '"') return i;
  }
  return text.length - 1;
}

/** `</dev/pts/0<char 136:0>>`, `<TCP:[127.0.0.1:1->127.0.0.1:2]>`. */
function endOfPath(text: string, at: number): number {
  let depth = 0;
  for (let i = at; i < text.length; i++) {
    if (text[i] === '<') depth++;
    else if (text[i] === '>' && text[i - 1] !== '-') depth--;
    if (depth === 0) return i;
  }
  return text.length - 1;
}

function orLast(text: string, at: number): number {
  return at > 0 ? at : text.length - 1;
}

function table(of: (c: string) => number): number[] {
  return Array.from({ length: 256 }, (_, code) => of(String.fromCharCode(code)));
}
