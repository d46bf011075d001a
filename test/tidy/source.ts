/**
 * A source file as the checks of this folder see it: code, comments and strings told apart.
 *
 * `code` has the length and the lines of `text`, with blanks for every character of a comment, a
 * string, a template's text or a regular expression; the quotes stay, and so does the code inside
 * `${}`. What a pattern finds in `code` is therefore code, at the position where it is in the file.
 *
 * This is a scanner and no parser. It knows JavaScript's lexical grammar but for one rule, whether
 * a slash divides: it looks at the word or sign before it, which is right for formatted code.
 */
import { ROOMS, type Room } from '#src/rooms.js';

/** One line of a comment. */
interface Comment {
  readonly line: number;
  /** Without the signs around it. */
  readonly text: string;
}

interface StringLiteral {
  /** Where its opening quote is. */
  readonly start: number;
  readonly value: string;
}

export interface Source {
  /** Relative to the project, with slashes. */
  readonly path: string;
  readonly text: string;
  readonly lines: readonly string[];
  readonly code: string;
  readonly codeLines: readonly string[];
  readonly comments: readonly Comment[];
  readonly strings: readonly StringLiteral[];
}

export interface Finding {
  readonly path: string;
  readonly line: number;
  readonly message: string;
}

export function finding(file: Source, line: number, message: string): Finding {
  return { path: file.path, line, message };
}

export function formatFinding({ path, line, message }: Finding): string {
  return `${path}:${line}: ${message}`;
}

export function lineAt(file: Source, position: number): number {
  return file.text.slice(0, position).split('\n').length;
}

/** The name of the file's room (the top folder elsewhere); null for one of src/ in no room. */
export function roomOf(path: string): string | null {
  if (!path.startsWith('src/')) return path.split('/')[0] ?? null;
  const inside = ([, { folder }]: [string, Room]): boolean => path.startsWith(`src/${folder}/`);
  return Object.entries<Room>(ROOMS).find(inside)?.[0] ?? null;
}

export function source(path: string, text: string): Source {
  const scan = new Scanner(text);
  const code = scan.run();
  return {
    path,
    text,
    lines: text.split('\n'),
    code,
    codeLines: code.split('\n'),
    comments: scan.comments,
    strings: scan.strings,
  };
}

/** After one of these a slash begins a regular expression; after any other word it divides. */
const BEFORE_REGEX =
  /(?:^|[^\w$.])(?:return|typeof|case|in|of|delete|void|throw|new|instanceof|else|do|yield|await)$/;

class Scanner {
  readonly comments: Comment[] = [];
  readonly strings: StringLiteral[] = [];
  private readonly text: string;
  private readonly out: string[];
  private at = 0;
  /** The code of the current statement or so, for the look back at a slash. */
  private before = '';

  constructor(text: string) {
    this.text = text;
    this.out = text.split('');
  }

  run(): string {
    if (this.text.startsWith('#!')) this.blankTo(this.lineEnd());
    this.code(false);
    return this.out.join('');
  }

  /** Code up to the end of the text, or up to the brace that ends a template's `${`. */
  private code(inTemplate: boolean): void {
    let depth = 0;
    while (this.at < this.text.length) {
      const char = this.text[this.at] as string;
      const next = this.text[this.at + 1];
      if (inTemplate && char === '}' && depth === 0) return;
      if (char === '{') depth++;
      if (char === '}') depth--;
      if (char === '/' && next === '/') this.comment(this.lineEnd());
      else if (char === '/' && next === '*') this.comment(this.blockEnd());
      else if (char === '/' && this.regexEnd() > 0) this.quoted(this.regexEnd());
      else if (char === "'" || char === '"') this.string(char);
      else if (char === '`') this.template();
      else this.pass(char);
    }
  }

  private pass(char: string): void {
    if (char.trim() !== '') this.before = this.before.slice(-16) + char;
    else if (!this.before.endsWith(' ')) this.before += ' ';
    this.at++;
  }

  private comment(end: number): void {
    const first = this.text.slice(0, this.at).split('\n').length;
    const lines = this.text.slice(this.at, end).split('\n');
    lines.forEach((line, index) => {
      const text = line
        .trim()
        .replace(/^(?:\/\*+|\/\/+|\*(?!\/))/, '')
        .replace(/\*+\/$/, '')
        .trim();
      this.comments.push({ line: first + index, text });
    });
    this.blankTo(end);
  }

  private string(quote: string): void {
    let end = this.at + 1;
    while (end < this.text.length && this.text[end] !== quote && this.text[end] !== '\n') {
      end += this.text[end] === '\\' ? 2 : 1;
    }
    this.strings.push({ start: this.at, value: this.text.slice(this.at + 1, end) });
    this.quoted(Math.min(end + 1, this.text.length));
  }

  /** Keeps the signs at both ends and blanks what is between them. */
  private quoted(end: number): void {
    this.at++;
    this.blankTo(end - 1);
    this.at = end;
    this.before = '0'; // An operand: a slash after it divides.
  }

  private template(): void {
    this.at++;
    while (this.at < this.text.length && this.text[this.at] !== '`') {
      if (this.text.startsWith('${', this.at)) {
        this.at += 2;
        this.before = '{';
        this.code(true);
        this.at++;
      } else {
        this.blankTo(Math.min(this.at + (this.text[this.at] === '\\' ? 2 : 1), this.text.length));
      }
    }
    this.at++;
    this.before = '0';
  }

  /** Where the regular expression that begins here ends, or 0 when the slash divides. */
  private regexEnd(): number {
    const before = this.before.trimEnd();
    if (/(?:[\w$)\]]|\+\+|--)$/.test(before) && !BEFORE_REGEX.test(before)) return 0;
    let inClass = false;
    for (let end = this.at + 1; end < this.lineEnd(); end++) {
      const char = this.text[end];
      if (char === '\\') end++;
      else if (char === '[') inClass = true;
      else if (char === ']') inClass = false;
      else if (char === '/' && !inClass) return end + 1;
    }
    return 0;
  }

  private blankTo(end: number): void {
    for (; this.at < end; this.at++) {
      if (this.text[this.at] !== '\n') this.out[this.at] = ' ';
    }
  }

  private lineEnd(): number {
    const end = this.text.indexOf('\n', this.at);
    return end < 0 ? this.text.length : end;
  }

  private blockEnd(): number {
    const end = this.text.indexOf('*/', this.at + 2);
    return end < 0 ? this.text.length : end + 2;
  }
}
