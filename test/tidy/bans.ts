/**
 * The ban list: spellings that don't occur, where they don't, and what to write instead.
 *
 * X1 and so on are the rules that make re-running an operation harmless for the checker; P8 and the
 * like are the core's own. A ban with `files` excepts those, each for the reason given there.
 */
import { ROOMS, type Room } from '#src/rooms.js';
import { type Finding, finding, lineAt, roomOf, type Source } from './source.js';

const named = (which: (room: Room) => boolean): string[] =>
  Object.entries<Room>(ROOMS)
    .filter(([, room]) => which(room))
    .map(([name]) => name);

/** The rooms whose operations the checker runs again and again. */
const REPLAYED = named((room) => room.isReplayed === true);
const SRC = named(() => true);
const EVERYWHERE = [...SRC, 'test', 'bench', 'examples'];

/** The seam over real shared memory: never run by the checker, which has a seam of its own. */
const SEAM = 'src/core/mem/shared.ts';

/** The only files of these rooms that may say async. Asynchronous loops are src/api's. */
const ASYNC_FILES: readonly string[] = [SEAM];

/** Files with typed arrays of their own, over memory that is not shared and no heap. */
const PRIVATE_ARRAYS: readonly string[] = [
  'src/lab/trace/record.ts',
  'src/checker/model/state.ts',
  'src/checker/model/log.ts',
  'src/checker/model/graph.ts',
  'src/checker/model/identity.ts',
];

interface Ban {
  readonly pattern: RegExp;
  readonly rooms: readonly string[];
  readonly files?: readonly string[];
  /** Look in comments instead of code. */
  readonly inComments?: boolean;
  readonly say: string;
}

const BANS: readonly Ban[] = [
  {
    pattern: /(?<!RCU[- ])\b(?:TODO|FIXME|XXX)\b/,
    rooms: EVERYWHERE,
    inComments: true,
    say: 'do it, or write an issue',
  },
  {
    pattern: /\bconsole\./,
    rooms: SRC.filter((room) => room !== 'cli'),
    say: 'return a value; only src/cli prints',
  },
  { pattern: /\bas any\b/, rooms: EVERYWHERE, say: 'use `as unknown as T`, and say why' },
  { pattern: /[:<]\s*any\b/, rooms: EVERYWHERE, say: 'use `unknown` or the real type' },
  { pattern: /\benum\s+\w/, rooms: EVERYWHERE, say: 'use an `as const` object' },
  { pattern: /\bdebugger\b/, rooms: EVERYWHERE, say: 'remove it' },
  {
    pattern: /\brequire\(/,
    rooms: SRC,
    say: 'choose another name: who judges packages takes the file for CommonJS',
  },
  {
    pattern: /\b(?:it|test|describe)(?:\.\w+)*\.only\b/,
    rooms: ['test'],
    say: 'remove `.only`: it switches the others off',
  },
  { pattern: /[^\w$]#[A-Za-z_$]/, rooms: SRC, say: 'use `private`: #fields cost a third more' },
  {
    pattern: /\bDate\.now\(|\bnew Date\b|\bperformance\.now\(|\bMath\.random\(/,
    rooms: ['base', ...REPLAYED, 'model'],
    say: 'time and chance are arguments (X6)',
  },
  {
    pattern: /\bcatch\b/,
    rooms: REPLAYED,
    files: [SEAM],
    say: 'let it pass: a caught suspension breaks the checker (X3)',
  },
  {
    pattern: /\basync\b|\bawait\b/,
    rooms: REPLAYED,
    files: ASYNC_FILES,
    say: 'operations are synchronous plain functions (X1)',
  },
  {
    pattern: /\bBigInt\b|\b\d[\d_]*n\b|\b0[xXbBoO][\da-fA-F_]+n\b/,
    rooms: ['mem', 'rcu', 'frag'],
    say: 'use two 32-bit words; BigInt is for the edge of the API',
  },
  {
    pattern: /\bAtomics\b/,
    rooms: SRC.filter((room) => room !== 'mem'),
    say: 'go through the seam; only src/mem says Atomics',
  },
  {
    pattern: /\bnew\s+(?:Int32Array|SharedArrayBuffer)\b/,
    rooms: SRC.filter((room) => room !== 'mem'),
    files: PRIVATE_ARRAYS,
    say: 'go through the seam; only src/mem makes shared memory and views of it',
  },
  {
    pattern: /\b(?:SharedArrayBuffer|Int32Array)\b/,
    rooms: ['base', 'rcu', 'frag', 'pgtable'],
    say: 'speak to Memory; the buffer is known to src/mem and to the edges',
  },
];

export function checkBans(file: Source): Finding[] {
  const room = roomOf(file.path) ?? '';
  const bans = BANS.filter((b) => b.rooms.includes(room) && !b.files?.includes(file.path));
  return bans.flatMap((ban) => occurrences(file, ban)).concat(checkModuleState(file));
}

function occurrences(file: Source, { pattern, inComments, say }: Ban): Finding[] {
  if (inComments) {
    return file.comments.flatMap(({ line, text }) => {
      const word = pattern.exec(text)?.[0];
      return word === undefined ? [] : [finding(file, line, `\`${word}\`: ${say}`)];
    });
  }
  return [...file.code.matchAll(new RegExp(pattern, 'g'))].map((match) =>
    finding(file, lineAt(file, match.index), `\`${match[0].trim()}\`: ${say}`),
  );
}

/** X2: what outlives an operation lives in the heap, so module scope has nothing that changes. */
function checkModuleState(file: Source): Finding[] {
  if (!REPLAYED.includes(roomOf(file.path) ?? '')) return [];
  return [...file.code.matchAll(/\b(?:let|var)\s/g)].flatMap((match) => {
    if (depthAt(file.code, match.index) > 0) return [];
    const message = `\`${match[0].trim()}\` at module level: state lives in the heap (X2)`;
    return [finding(file, lineAt(file, match.index), message)];
  });
}

function depthAt(code: string, position: number): number {
  let depth = 0;
  for (const char of code.slice(0, position)) {
    if (char === '{' || char === '(') depth++;
    if (char === '}' || char === ')') depth--;
  }
  return depth;
}
