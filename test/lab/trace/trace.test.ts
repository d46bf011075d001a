/** Recordings become events: what each line means, and that nothing depends on how it is read. */
import { execFile } from 'node:child_process';
import { createWriteStream, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { createGzip, gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { OP, type TraceEvent } from '#src/lab/trace/event.js';
import { TraceParser } from '#src/lab/trace/parser.js';
import { readTrace } from '#src/lab/trace/reader.js';
import { Lives, StreamContract } from '../../fixtures/stream-contract.js';
import {
  bundled,
  CANON,
  canon,
  describeEvent,
  frag,
  RADIX_FRAG,
  S390_FRAG,
  TraceFolder,
} from '../../fixtures/trace-files.js';

const folder = new TraceFolder();

afterAll(() => folder.remove());

const BUNDLED = [
  {
    name: 's390x/quick.canon',
    lines: 6234,
    mms: 52,
    allocs: [1764, 0],
    fresh: [841, 0],
    frees: [1761, 0],
    freesNow: [3, 0],
    ended: [1757, 0],
  },
  {
    name: 's390x/quick.frag',
    lines: 11518,
    mms: 52,
    allocs: [1764, 0],
    fresh: [841, 0],
    frees: [1761, 0],
    freesNow: [3, 0],
    ended: [1757, 0],
  },
  {
    name: 's390x/mix.canon',
    lines: 77737,
    mms: 1236,
    allocs: [22092, 0],
    fresh: [8992, 0],
    frees: [22023, 0],
    freesNow: [69, 0],
    ended: [22019, 0],
  },
  {
    name: 'ppc64le/quick-radix.frag',
    lines: 12899,
    mms: 52,
    allocs: [1791, 209],
    fresh: [54, 52],
    frees: [1752, 209],
    freesNow: [39, 0],
    ended: [1747, 206],
  },
  {
    name: 'ppc64le/quick-hash.frag',
    lines: 12883,
    mms: 52,
    allocs: [1802, 173],
    fresh: [142, 52],
    frees: [1802, 173],
    freesNow: [0, 0],
    ended: [1798, 170],
  },
  {
    name: 'ppc64le/mm-radix.frag',
    lines: 162034,
    mms: 33,
    allocs: [26849, 148],
    fresh: [128, 33],
    frees: [24315, 148],
    freesNow: [2534, 0],
    ended: [24310, 145],
  },
] as const;

describe('a bundled recording', () => {
  it.each(BUNDLED)('is read to its end with its numbers: $name', async ({ name, ...counts }) => {
    const facts = await readTrace(bundled(name), () => {});
    expect(facts).toMatchObject(counts);
  });

  it.each(BUNDLED)(
    'keeps the contract, and tells the life of each table in order: $name',
    async ({ name }) => {
      const [lives, contract] = [new Lives(), new StreamContract()];
      const facts = await readTrace(bundled(name), (event) => {
        lives.event(event);
        contract.event(event);
      });
      expect(lives.wrong).toEqual([]);
      expect(contract.broken).toEqual([]);
      expect(lives.tables).toBe(facts.allocs[0] + facts.allocs[1]);
      expect(lives.live.size).toBe(0);
    },
  );

  it('is the same history in both forms', async () => {
    const told = async (form: string): Promise<string[]> => {
      const found: string[] = [];
      await readTrace(bundled(`s390x/quick.${form}`), (event) => {
        // Only frag files have the beginning of an exit and of a call, list ends, and the CPU.
        const text = describeEvent(event).replace(/ (list|since) .*/, '');
        if (event.op !== OP.exit) found.push(`${event.timeUs} ${text}`);
      });
      return found;
    };
    expect(await told('canon')).toEqual(await told('frag'));
  });

  it('says what it is before its first event', async () => {
    const seen: string[] = [];
    const facts = await readTrace(bundled('ppc64le/quick-hash.frag'), () => seen.push('event'), {
      onHeader: (header) => seen.push(header.geometry),
    });
    expect(seen.slice(0, 2)).toEqual(['powerpc-hash-64k', 'event']);
    expect(facts).toMatchObject({ architecture: 'ppc64le', perPage: [16, 4] });
    expect(facts.form.name).toBe('frag');
  });
});

describe('an s390 line', () => {
  it('is one event or two, in canon form', async () => {
    const records = ['I m4', 'X m4 e', 'N m4 a0.0', 'H m4 a0.1', 'R m4 a0.0 1000', 'F m4 a0.1'];
    const ends = ['G a0.1 0', 'U a0.0 1', 'D m4'];
    expect(await folder.events(canon(...records, ...ends))).toEqual([
      'create m0',
      'miss m0 pte empty',
      'pageTaken m0 pte a0.0 empty of 2',
      'alloc m0 pte t0 a0.0 fresh empty of 2',
      'alloc m0 pte t1 a0.1',
      'free m0 pte t0 a0.0',
      'freeNow m0 pte t1 a0.1',
      'settled m0 pte t1 a0.1',
      'ended m0 pte t0 a0.0',
      'pageReleased m0 pte a0.0',
      'exit m0',
      'destroy m0',
    ]);
  });

  it('is the same in frag form, where skipped operations and others stand between', async () => {
    const records = ['I m4', 'a m4', 'X m4 -', 'N m4 a0.0 -', 'H m4 a0.1 01 03', 'E m4'];
    const ends = ['R m4 a0.0 12 a0 a0 va=0', 'T a0.0', 'U a0.0 12 02', 'S SAMPLE a b c d e f g'];
    const last = ['F m4 a0.1 20 - -', 'G a0.1 20 00', 'D m4'];
    expect(await folder.events(frag(S390_FRAG, ...records, ...ends, ...last))).toEqual([
      'create m0',
      'miss m0 pte empty since line 4',
      'pageTaken m0 pte a0.0 empty of 2',
      'alloc m0 pte t0 a0.0 fresh empty of 2',
      'alloc m0 pte t1 a0.1',
      'exit m0',
      'free m0 pte t0 a0.0 list a0 to a0',
      'ended m0 pte t0 a0.0',
      'freeNow m0 pte t1 a0.1 list - to -',
      'settled m0 pte t1 a0.1',
      'pageReleased m0 pte a0.0',
      'destroy m0',
    ]);
  });

  it('that stands late ends the old table, not the one that has its fragment now', async () => {
    const start = ['I m1', 'X m1 -', 'N m1 a0.0 -', 'H m1 a0.1 01 03', 'F m1 a0.1 21 a0 a0'];
    const again = ['H m1 a0.1 01 03', 'R m1 a0.1 21 a0 a0 va=0', 'G a0.1 21 01', 'U a0.1 21 01'];
    const found = await folder.events(frag(S390_FRAG, ...start, ...again));
    expect(found.slice(5)).toEqual([
      'freeNow m0 pte t1 a0.1 list a0 to a0',
      'alloc m0 pte t2 a0.1',
      'free m0 pte t2 a0.1 list a0 to a0',
      'settled m0 pte t1 a0.1',
      'ended m0 pte t2 a0.1',
    ]);
  });

  it('that stands late is paired in the order of the frees, even across a new owner', async () => {
    const start = ['I m1', 'X m1 -', 'N m1 a0.0 -', 'H m1 a0.1 01 03'];
    const frees = ['R m1 a0.0 12 a0 a0 va=0', 'R m1 a0.1 30 - - va=0', 'U a0.1 20 00'];
    const next = ['I m2', 'X m2 -', 'N m2 a0.0 -', 'R m2 a0.0 10 - - va=0'];
    const ends = ['U a0.0 30 20', 'U a0.0 10 00'];
    const found = await folder.events(frag(S390_FRAG, ...start, ...frees, ...next, ...ends));
    expect(found.slice(-4)).toEqual([
      'free m1 pte t2 a0.0 list - to -',
      'ended m0 pte t0 a0.0',
      'ended m1 pte t2 a0.0',
      'pageReleased m1 pte a0.0',
    ]);
  });

  it('gives a fresh page the reason of its own thread, or of the newest decision', async () => {
    const decisions = ['I m1', '0/7 X m1 -', '0/8 X m1 b0 12'];
    const pages = ['1/7 N m1 a0.0 -', '1/8 N m1 a1.0 a0'];
    const inFrag = await folder.events(frag(S390_FRAG, ...decisions, ...pages));
    expect(inFrag.filter((event) => event.startsWith('alloc'))).toEqual([
      'alloc m0 pte t0 a0.0 fresh empty of 2',
      'alloc m0 pte t1 a1.0 fresh pending of 2',
    ]);
    const log = canon('I m1', 'X m1 e', 'X m1 p', 'N m1 a1.0 *', 'N m1 a0.0 *');
    const inCanon = await folder.events(log);
    expect(inCanon.filter((event) => event.startsWith('alloc'))).toEqual([
      'alloc m0 pte t0 a1.0 fresh pending of 2',
      'alloc m0 pte t1 a0.0 fresh empty of 2',
    ]);
  });
});

describe('a powerpc line', () => {
  const start = ['I m1', 'X m1', 'N m1 1f0.0 256 1f0.1', 'H m1 1f0.1 1f0.2'];
  const pmd = ['pX m1', 'pN m1 1f1.0 16 1f1.1', 'R m1 1 1f1.0', 'T 1 1f1.0', 'pf 1f1.0'];

  it('f after T ends a table, f alone frees one at once', async () => {
    const frees = ['f 1f0.1', 'g 1f0 255', 'R m1 0 1f0.0', 'T 0 1f0.0', 'f 1f0.0', 'g 1f0 254'];
    const exit = ['E m1', 'M m1 1f0.2 -', 'd 1f0.2', 'e 1f0 0', 'D m1'];
    expect(await folder.events(frag(RADIX_FRAG, ...start, ...frees, ...exit))).toEqual([
      'create m0',
      'miss m0 pte empty',
      'pageTaken m0 pte 1f0.0 empty of 256',
      'alloc m0 pte t0 1f0.0 fresh empty of 256',
      'alloc m0 pte t1 1f0.1',
      'freeNow m0 pte t1 1f0.1',
      'counted m0 pte 1f0.0 is 255',
      'free m0 pte t0 1f0.0',
      'ended m0 pte t0 1f0.0',
      'counted m0 pte 1f0.0 is 254',
      'exit m0',
      'countedRest m0 pte 1f0.0 is 0',
      'pageReleased m0 pte 1f0.0',
      'destroy m0',
    ]);
  });

  it('numbers tables of both kinds together, and leaves out those of the PUD level', async () => {
    const pud = ['R m1 2 c000000006580000', 'T 2 c000000006580000'];
    const found = await folder.events(frag(RADIX_FRAG, ...start, ...pud, ...pmd, 'pg 1f1 0'));
    expect(found.slice(5)).toEqual([
      'miss m0 pmd empty',
      'pageTaken m0 pmd 1f1.0 empty of 16',
      'alloc m0 pmd t2 1f1.0 fresh empty of 16',
      'free m0 pmd t2 1f1.0',
      'ended m0 pmd t2 1f1.0',
      'counted m0 pmd 1f1.0 is 0',
      'pageReleased m0 pmd 1f1.0',
    ]);
  });

  it('releases a page at the count 0, wherever the other counts stand', async () => {
    const swapped = ['f 1f0.0', 'f 1f0.1', 'g 1f0 0', 'g 1f0 1'];
    const found = await folder.events(frag(RADIX_FRAG, ...start, ...swapped));
    expect(found.slice(-4)).toEqual([
      'freeNow m0 pte t0 1f0.0',
      'freeNow m0 pte t1 1f0.1',
      'counted m0 pte 1f0.0 is 0',
      'pageReleased m0 pte 1f0.0',
    ]);
  });

  it('tells a page that will serve only one fragment', async () => {
    const found = await folder.events(frag(RADIX_FRAG, 'I m1', 'N m1 1f0.0 1 1e0.4'));
    expect(found.at(-1)).toBe('alloc m0 pte t0 1f0.0 fresh empty of 1');
  });
});

describe('an mm older than the recording', () => {
  it('is left out with its tables and pages', async () => {
    const theirs = ['X p2 -', 'N p2 b0.0 -', 'H p2 b0.1 01 03', 'R p2 b0.0 12 b0 b0 va=0'];
    const ends = ['U b0.0 12 02', 'F p2 b0.1 20 - -', 'G b0.1 20 00', 'U c0.1 20 00', 'D p2'];
    const file = folder.write(frag(S390_FRAG, 'I m1', ...theirs, ...ends));
    const found: string[] = [];
    const facts = await readTrace(file, (event) => found.push(describeEvent(event)));
    expect(found).toEqual(['create m0']);
    expect(facts.foreign).toBe(9);
  });

  it('is left out on powerpc too, where frees do not name their mm', async () => {
    const theirs = ['N p2 1f0.0 256 1f0.1', 'f 1f0.0', 'R p2 0 1f3.7', 'T 0 1f3.7', 'f 1f3.7'];
    const found = await folder.events(frag(RADIX_FRAG, 'I m1', ...theirs, 'g 1f3 0', 'D p2'));
    expect(found).toEqual(['create m0']);
  });
});

describe('reading', () => {
  it('never lets time run backwards', async () => {
    const text = `${CANON}\n1 10 I m1\n5 90 X m1 e\n4 70 N m1 a0.0\n6 80 H m1 a0.1\n7 95 D p1\n`;
    const times: number[] = [];
    const facts = await readTrace(folder.write(text), (event) => times.push(event.timeUs));
    expect(times).toEqual([10, 90, 90, 90, 90]);
    expect([facts.firstUs, facts.lastUs]).toEqual([10, 95]);
  });

  it('gives every event its line, sequence number and CPU', async () => {
    const text = frag(S390_FRAG, 'S BEGIN', '1/7 I m1', '2/7 X m1 -', '3/7 N m1 a0.0 -');
    const found: string[] = [];
    await readTrace(folder.write(text), ({ line, seq, cpu }) =>
      found.push(`${line} ${seq} ${cpu}`),
    );
    expect(found).toEqual(['4 2 1', '5 3 2', '6 4 3', '6 4 3']);
  });

  it('takes plain text for what it is, whatever the name', async () => {
    const packed = readFileSync(bundled('s390x/quick.canon'));
    const plain = await readTrace(folder.write(gunzipSync(packed)), () => {});
    const zipped = await readTrace(folder.write(packed), () => {});
    expect({ ...plain, file: '' }).toEqual({ ...zipped, file: '' });
    expect(plain.lines).toBe(6234);
  });

  it('sees the same events wherever the text is cut into chunks', () => {
    const text = gunzipSync(readFileSync(bundled('s390x/quick.frag'))).subarray(0, 60_000);
    const end = text.lastIndexOf('\n') + 1;
    const whole = digest(text.subarray(0, end), [end]);
    const sizes = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(sizes, (chunks) => {
        expect(digest(text.subarray(0, end), chunks)).toBe(whole);
      }),
      { numRuns: 60 },
    );
    expect(whole).toMatch(/^\d{4} events/);
  });

  it('tells how far it is, up to the end', async () => {
    const seen: [number, number][] = [];
    const onProgress = (read: number, total: number): number => seen.push([read, total]);
    await readTrace(bundled('s390x/mix.canon'), () => {}, { onProgress });
    const [read, total] = seen.at(-1) ?? [];
    expect(seen.length).toBeGreaterThan(2);
    expect(read).toBe(total);
    expect(total).toBe(readFileSync(bundled('s390x/mix.canon')).length);
  });

  it('passes on what its consumer throws, as it is', async () => {
    const thrown = Object.assign(new Error('disk full'), { code: 'ENOSPC' });
    const reading = readTrace(bundled('s390x/quick.canon'), () => {
      throw thrown;
    });
    await expect(reading).rejects.toBe(thrown);
  });
});

describe('a signal', () => {
  it('that is aborted already: nothing is read', async () => {
    const reason = new Error('enough');
    let events = 0;
    const signal = AbortSignal.abort(reason);
    const reading = readTrace(bundled('s390x/quick.canon'), () => events++, { signal });
    await expect(reading).rejects.toBe(reason);
    expect(events).toBe(0);
  });

  it('that is aborted under way: no chunk is read after this one', async () => {
    const controller = new AbortController();
    let events = 0;
    const reading = readTrace(
      bundled('s390x/mix.canon'),
      () => {
        if (events++ === 100) controller.abort();
      },
      { signal: controller.signal },
    );
    await expect(reading).rejects.toMatchObject({ name: 'AbortError' });
    expect(events).toBeLessThan(20_000);
  });

  it('that is aborted in a file of one chunk: it is not taken for done', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const reading = readTrace(folder.write(canon('I m1')), () => controller.abort(), { signal });
    await expect(reading).rejects.toMatchObject({ name: 'AbortError' });
  });

  it.runIf(process.platform === 'linux')('leaves no file open, nor does a refusal', async () => {
    const openFiles = (): number => readdirSync('/proc/self/fd').length;
    const cut = folder.write(readFileSync(bundled('s390x/quick.canon')).subarray(0, 30_000));
    const before = openFiles();
    for (let i = 0; i < 10; i++) {
      const controller = new AbortController();
      const onEvent = (event: TraceEvent): void => {
        if (event.line === 2) controller.abort();
      };
      const { signal } = controller;
      await expect(readTrace(bundled('s390x/mix.canon'), onEvent, { signal })).rejects.toThrow();
      await expect(readTrace(cut, () => {})).rejects.toThrow('truncated');
    }
    // Last and at a run: a file that was forgotten would be closed by the garbage collector.
    for (let i = 0; i < 20; i++) {
      await expect(readTrace(folder.path, () => {})).rejects.toThrow('is a directory');
    }
    expect(openFiles()).toBeLessThan(before + 5);
  });
});

describe('a long recording', () => {
  /** Address spaces that come and go, each with a page whose fragments are used twice. */
  function* longLog(mms: number): Generator<string> {
    yield `${CANON}\n`;
    for (let mm = 1; mm <= mms; mm++) {
      const page = (0x10000 + (mm % 1000)).toString(16);
      const turn = [`H m${mm} ${page}.1`, `R m${mm} ${page}.1 100000`, `U ${page}.1 0`];
      const first = [`I m${mm}`, `X m${mm} e`, `N m${mm} ${page}.0`];
      const last = [`R m${mm} ${page}.0 1000`, `D m${mm}`, `U ${page}.0 1`];
      const turns = Array.from({ length: 20 }, () => turn).flat();
      yield [...first, ...turns, ...last].map((text) => `${mm} ${mm} ${text}\n`).join('');
    }
  }

  it('is read in memory for what is live, not for what it is long', async () => {
    const mms = 20_000;
    const file = join(folder.path, 'long.txt.gz');
    const zip = createGzip({ level: 1 });
    await pipeline(Readable.from(longLog(mms)), zip, createWriteStream(file));
    expect(zip.bytesWritten).toBeGreaterThan(30_000_000);
    const summary = new URL('../../../dist/lab/compare/summary.js', import.meta.url);
    const script = `
      import { summarizeTrace } from ${JSON.stringify(summary.href)};
      let peak = 0;
      const onProgress = () => { peak = Math.max(peak, process.memoryUsage().external); };
      const { facts } = await summarizeTrace(process.argv[1], { onProgress });
      const { allocs, mms } = facts;
      console.log(JSON.stringify({ allocs, mms, peak }));`;
    // 420,000 tables and their pages would need some 40 MB, and the text has more than 30.
    const options = ['--max-old-space-size=12', '--input-type=module', '-e', script, file];
    const { stdout } = await promisify(execFile)(process.execPath, options);
    const { allocs, mms: created, peak } = JSON.parse(stdout);
    expect([allocs[0], created]).toEqual([mms * 21, mms]);
    expect(peak).toBeLessThan(20_000_000);
  });
});

/** The digest of all events that a parser makes of `text`, cut into chunks of these sizes. */
function digest(text: Uint8Array, sizes: readonly number[]): string {
  let hash = 0;
  let events = 0;
  const parser = new TraceParser('text', (event) => {
    events++;
    for (const value of Object.values(event)) hash = (Math.imul(hash, 31) + Number(value)) | 0;
  });
  for (let from = 0, i = 0; from < text.length; i++) {
    const to = from + (sizes[i % sizes.length] ?? 1);
    // A copy: the parser must not rely on a chunk after the call.
    const chunk = Uint8Array.from(text.subarray(from, to));
    parser.push(chunk);
    chunk.fill(0);
    from = to;
  }
  return `${events} events, ${hash}, ${parser.finish().lines} lines`;
}
