/** A recording that is damaged or contradicts itself is refused: where, and what was expected. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { InputError } from '#src/core/base/errors.js';
import { readTrace } from '#src/lab/trace/reader.js';
import { openText } from '#src/lab/trace/text-file.js';
import {
  bundled,
  CANON,
  canon,
  frag,
  RADIX_FRAG,
  refusalOf,
  S390_FRAG,
  TraceFolder,
} from '../../fixtures/trace-files.js';

const folder = new TraceFolder();

afterAll(() => folder.remove());

describe('a file', () => {
  it('that is not there', async () => {
    const file = `${folder.path}/nothing.txt.gz`;
    expect(await refusalOf(file)).toMatchObject({ code: 'not-found', line: 0, file });
    expect(await refusalOf(`${folder.write('x')}/below`)).toMatchObject({ code: 'not-found' });
  });

  it('that is a directory', async () => {
    expect(await refusalOf(folder.path)).toMatchObject({ code: 'is-a-directory', line: 0 });
  });

  it.runIf(process.platform === 'linux')('that is a device', async () => {
    expect(await refusalOf('/dev/null')).toMatchObject({ code: 'not-a-file', line: 0 });
  });

  it.runIf(process.platform === 'linux')('that is a pipe which nobody writes to', async () => {
    const pipe = `${folder.path}/pipe`;
    execFileSync('mkfifo', [pipe]);
    const refused = { code: 'not-a-file', line: 0, file: pipe };
    expect(await refusalOf(pipe)).toMatchObject(refused);
    await expect(openText(pipe)).rejects.toMatchObject(refused);
  });

  it('that is gzipped and cut off, at any place', async () => {
    const whole = readFileSync(bundled('s390x/quick.canon'));
    for (const length of [2, 10, 40, 1000, whole.length >> 1, whole.length - 8, whole.length - 1]) {
      const refusal = await folder.refusal(whole.subarray(0, length));
      expect(refusal.code, `${length} bytes`).toBe('truncated');
      expect(refusal.message).toContain('truncated');
    }
  });

  it('that is gzipped and damaged', async () => {
    const damaged = Buffer.from(readFileSync(bundled('s390x/quick.canon')));
    damaged.writeUInt8((damaged.at(-6) ?? 0) ^ 1, damaged.length - 6);
    expect(await folder.refusal(damaged)).toMatchObject({ code: 'corrupt' });
    damaged.fill(0xff, 30_000, 30_100);
    expect(await folder.refusal(damaged)).toMatchObject({ code: 'corrupt' });
  });

  it('that ends in the middle of its last line', async () => {
    const text = canon('I m1', 'X m1 e', 'N m1 a0.0');
    const cut = text.slice(0, -3);
    expect(await folder.refusal(cut)).toMatchObject({ code: 'truncated', line: 4 });
    expect(await folder.refusal(gzipSync(cut))).toMatchObject({ code: 'truncated', line: 4 });
  });
});

describe('what is no trace', () => {
  const BINARY = Buffer.from(Array.from({ length: 100_000 }, (_, i) => (i * 7) % 256));

  it.each([
    ['an empty file', ''],
    ['an empty file, gzipped', gzipSync('')],
    ['a newline', '\n'],
    ['a word', 'trace'],
    ['another text', 'once upon a time\nthere was a page\n'],
    ['records without a header', '3 704 I m1\n10 1373 X m1 e\n'],
    ['JSON', '{"schema": 1}\n'],
    ['bytes', BINARY],
    ['bytes, gzipped', gzipSync(BINARY)],
    ['bytes without a newline', BINARY.map((byte) => (byte === 10 ? 11 : byte))],
    ['the workload of a recording', readFileSync(bundled('s390x/quick.work'))],
    ['a gzip file in a gzip file', gzipSync(readFileSync(bundled('s390x/quick.canon')))],
  ])('is refused at its first line: %s', async (_name, content) => {
    const refusal = await folder.refusal(content);
    expect(refusal).toMatchObject({ code: 'not-a-trace' });
    expect(refusal.line).toBeLessThanOrEqual(1);
    expect(refusal.expected).toContain('# canonical sequential log');
  });

  it('is refused for what its header lacks', async () => {
    const columns = '# seq t_us cpu pid ctx op args...';
    expect(await folder.refusal(`${CANON}\n`)).toMatchObject({ code: 'not-a-trace' });
    const stranger = await folder.refusal(frag(columns, 'I m1'));
    expect(stranger).toMatchObject({ code: 'not-a-trace', line: 2 });
    const noSizes = await folder.refusal(frag(`${columns}\n# uname=x ppc64le y`, 'I m1'));
    expect(noSizes).toMatchObject({ code: 'unknown-geometry', line: 3 });
    const oddSizes = await folder.refusal(frag(RADIX_FRAG.replace('NR=256', 'NR=8'), 'I m1'));
    expect(oddSizes.message).toContain('NR=8 and 16');
  });

  it('is refused when a line is longer than any record, and only then', async () => {
    const note = `S ${'x'.repeat(64 * 1024)}`;
    const tooLong = await folder.refusal(frag(S390_FRAG, 'I m1', note));
    expect(tooLong).toMatchObject({ code: 'line-too-long', line: 4 });
    const long = frag(S390_FRAG, 'I m1', note.slice(0, 60_000), 'D m1');
    expect(await folder.events(long)).toEqual(['create m0', 'exit m0', 'destroy m0']);
  });
});

describe('a line', () => {
  const SOME = ['I m1', 'X m1 e', 'N m1 a0.0'];

  it.each([
    ['without arguments', 'H'],
    ['with an argument too few', 'H m1'],
    ['with an argument too many', 'H m1 a0.1 a0.1'],
    ['with an mm that has no name', 'H 1 a0.1'],
    ['with an mm that has no number', 'H m a0.1'],
    ['with an mm of another name', 'H q1 a0.1'],
    ['with an mm of an endless number', 'H m1234567890123456 a0.1'],
    ['with a fragment without index', 'H m1 a0'],
    ['with a fragment without page', 'H m1 .1'],
    ['with a page that is no number', 'H m1 ag.1'],
    ['with a page in capitals', 'H m1 A0.1'],
    ['with an index that is no number', 'H m1 a0.x'],
    ['with an index that the page does not have', 'H m1 a0.2'],
    ['with a number that only looks like one', 'H m: a0.1'],
    ['with a negative index', 'H m1 a0.-1'],
    ['with two spaces', 'H m1  a0.1'],
    ['with a carriage return', 'H m1 a0.1\r'],
    ['with a reason of another kind', 'X m1 x'],
    ['with a mark of another kind', 'N m1 b0.0 +'],
    ['with a release that is no bit', 'U a0.0 2'],
  ])('%s: %s', async (_name, record) => {
    const refusal = await folder.refusal(canon(...SOME, record));
    expect(refusal).toMatchObject({ code: 'bad-line', line: 5 });
    expect(refusal.message).toContain(`:5: `);
  });

  it.each([
    ['without an operation', '4 40'],
    ['that is empty', ''],
    ['that is one word', 'H'],
    ['with a sequence number that is none', 'x 40 H m1 a0.1'],
    ['with a negative time', '4 -40 H m1 a0.1'],
    ['with a fraction of a time', '4 4.5 H m1 a0.1'],
    ['with a time of too many digits', '4 1234567890123456 H m1 a0.1'],
  ])('%s: %s', async (_name, line) => {
    const refusal = await folder.refusal(`${canon(...SOME)}${line}\n`);
    expect(refusal).toMatchObject({ code: 'bad-line', line: 5 });
  });

  it.each([
    ['with a CPU that is none', '2 20 x 7 p I m2'],
    ['with a pid that is none', '2 20 0 x p I m2'],
    ['with a context that is none', '2 20 0 7 q I m2'],
    ['of the canon form', '2 20 I m2'],
    ['with a state byte that is none', '2 20 0 7 s U a0.0 10 xx'],
  ])('of a frag file, %s: %s', async (_name, line) => {
    const refusal = await folder.refusal(`${frag(S390_FRAG, 'I m1')}${line}\n`);
    expect(refusal).toMatchObject({ code: 'bad-line', line: 4 });
  });

  it.each([
    ['with a level that there is not', 'R m1 3 1f0.0'],
    ['with a count of fragments that a page never has', 'N m1 1f5.0 17 1f5.1'],
    ['with a count that is none', 'g 1f0 x'],
    ['with an index that the page does not have', 'H m1 1f0.256 -'],
  ])('of a powerpc file, %s: %s', async (_name, record) => {
    const refusal = await folder.refusal(frag(RADIX_FRAG, 'I m1', 'N m1 1f0.0 256 1f0.1', record));
    expect(refusal).toMatchObject({ code: 'bad-line', line: 6 });
  });

  it.each([
    'Z m1',
    'HH m1 a0.1',
    'a m1',
    'hello m1',
    'h m1 a0.1',
    'T4 a0',
    '\u0000 x',
    'R\0\0\0R m1 a0.0 0',
  ])('with an operation that its form does not have: %j', async (record) => {
    const refusal = await folder.refusal(canon(...SOME, record));
    expect(refusal).toMatchObject({ code: 'unknown-operation', line: 5 });
    expect(refusal.expected).toBe('one of I D X N H R F U G');
  });

  it('of any bytes is refused with an InputError, unless it is a comment', async () => {
    const bytes = fc.uint8Array({ maxLength: 60 }).map((line) => Buffer.from([...line, 10]));
    await fc.assert(
      fc.asyncProperty(bytes, async (line) => {
        const file = folder.write(Buffer.concat([Buffer.from(canon(...SOME)), line]));
        const outcome = await readTrace(file, () => {}).catch((error: unknown) => error);
        const isComment = /^(?:#[^\n]*\n)+$/.test(line.toString('latin1'));
        expect(outcome instanceof InputError).toBe(!isComment);
      }),
      { numRuns: 200 },
    );
  });

  it('changed in one byte is refused, or still makes a consistent trace', async () => {
    const text = gunzipSync(readFileSync(bundled('s390x/quick.canon'))).subarray(0, 4000);
    const whole = text.subarray(0, text.lastIndexOf('\n') + 1);
    const at = fc.integer({ min: 80, max: whole.length - 2 });
    await fc.assert(
      fc.asyncProperty(at, fc.integer({ min: 0, max: 255 }), async (position, byte) => {
        const changed = Uint8Array.from(whole);
        changed[position] = byte;
        const file = folder.write(changed);
        const outcome = await readTrace(file, () => {}).catch((error: unknown) => error);
        if (outcome instanceof InputError) expect(outcome.line).toBeGreaterThan(1);
        else expect(outcome).toMatchObject({ form: { name: 'canon' } });
      }),
      { numRuns: 200 },
    );
  });
});

describe('a history', () => {
  const MM = ['I m1', 'I m2', 'X m1 e', 'N m1 a0.0'];
  const GONE = [...MM, 'R m1 a0.0 0', 'U a0.0 1', 'D m1'];

  it.each([
    ['a free of what was never allocated', [...MM, 'R m1 a0.1 0'], 'free-without-alloc'],
    ['a free in a page that was never taken', [...MM, 'F m1 b0.0'], 'free-without-alloc'],
    ['a free after the end', [...MM, 'R m1 a0.0 0', 'U a0.0 0', 'F m1 a0.0'], 'free-without-alloc'],
    ['a second free', [...MM, 'R m1 a0.0 0', 'R m1 a0.0 0'], 'free-twice'],
    ['a second free at once', [...MM, 'F m1 a0.0', 'F m1 a0.0'], 'free-twice'],
    ['a free by another mm', [...MM, 'R m2 a0.0 0'], 'wrong-mm'],
    ['an allocation of a live fragment', [...MM, 'H m1 a0.0'], 'double-alloc'],
    ['an allocation before the end', [...MM, 'R m1 a0.0 0', 'H m1 a0.0'], 'reused-early'],
    ['an allocation in a page of another mm', [...MM, 'H m2 a0.1'], 'wrong-mm'],
    ['an allocation in a page that nobody took', [...MM, 'H m1 b0.1'], 'page-not-held'],
    ['an end of what is live', [...MM, 'U a0.0 0'], 'end-without-free'],
    ['an end of what never was', [...MM, 'U b0.0 0'], 'end-without-free'],
    ['a second end', [...MM, 'R m1 a0.0 0', 'U a0.0 0', 'U a0.0 0'], 'end-without-free'],
    ['an RCU end of a free at once', [...MM, 'F m1 a0.0', 'U a0.0 1'], 'end-without-free'],
    ['a G after R', [...MM, 'R m1 a0.0 0', 'G a0.0 1'], 'end-without-free'],
    ['a page taken twice', [...MM, 'X m2 e', 'N m2 a0.0'], 'page-taken-twice'],
    ['a fresh page that begins in the middle', [...MM, 'X m1 e', 'N m1 b0.1'], 'page-taken-twice'],
    ['a page given back in use', [...MM, 'H m1 a0.1', 'R m1 a0.1 0', 'U a0.1 1'], 'wrong-release'],
    ['an allocation for an mm that was never created', [...MM, 'X m3 e'], 'unknown-mm'],
    ['a fresh page for an mm that was never created', [...MM, 'N m3 b0.0'], 'unknown-mm'],
    ['the end of an mm that was never created', [...MM, 'D m3'], 'unknown-mm'],
    ['an mm created twice', [...MM, 'I m1'], 'created-twice'],
    ['an mm created again after its end', [...GONE, 'I m1'], 'created-twice'],
    ['an mm destroyed twice', [...GONE, 'D m1'], 'destroyed-twice'],
    ['an mm destroyed with tables', [...MM, 'D m1'], 'destroyed-with-tables'],
    ['an allocation after the end of its mm', [...GONE, 'X m1 e'], 'after-destroy'],
    ['a fresh page after the end of its mm', [...GONE, 'N m1 b0.0'], 'after-destroy'],
  ] as const)('with %s', async (_name, records, code) => {
    const refusal = await folder.refusal(canon(...records));
    expect(refusal).toMatchObject({ code, line: records.length + 1 });
    expect(refusal.expected).not.toBe('');
  });

  const PPC = ['I m1', 'N m1 1f0.0 256 1f0.1', 'pN m1 1f1.0 16 1f1.1'];

  it.each([
    ['a T of what is live', [...PPC, 'T 0 1f0.0'], 'end-without-free'],
    ['a free at once of what was freed', [...PPC, 'R m1 0 1f0.0', 'f 1f0.0'], 'free-twice'],
    ['a second free at once', [...PPC, 'f 1f0.0', 'f 1f0.0'], 'free-without-alloc'],
    ['a free at once of what never was', [...PPC, 'f 1f0.9'], 'free-without-alloc'],
    ['a PTE free of a PMD table', [...PPC, 'f 1f1.0'], 'wrong-kind'],
    ['a PMD free of a PTE table', [...PPC, 'R m1 1 1f0.0'], 'wrong-kind'],
    ['a PMD table in a PTE page', [...PPC, 'pH m1 1f0.1 -'], 'wrong-kind'],
    ['a PMD release of a PTE page', [...PPC, 'pg 1f0 0'], 'wrong-kind'],
    ['a page given back in use', [...PPC, 'g 1f0 0'], 'wrong-release'],
    ['a page given back while a table waits', [...PPC, 'R m1 0 1f0.0', 'e 1f0 0'], 'wrong-release'],
    ['a fragment used again', [...PPC, 'R m1 0 1f0.0', 'H m1 1f0.0 -'], 'reused-early'],
    ['an exit of an mm that was never created', [...PPC, 'E m2'], 'unknown-mm'],
    ['a second exit', [...PPC, 'E m1', 'E m1'], 'exited-twice'],
    ['a miss after the exit', [...PPC, 'E m1', 'X m1'], 'after-exit'],
    ['a fresh page after the exit', [...PPC, 'E m1', 'N m1 1f2.0 256 1f2.1'], 'after-exit'],
    ['an allocation after the exit', [...PPC, 'E m1', 'H m1 1f0.1 -'], 'after-exit'],
  ] as const)('of powerpc with %s', async (_name, records, code) => {
    const refusal = await folder.refusal(frag(RADIX_FRAG, ...records));
    expect(refusal).toMatchObject({ code, line: records.length + 3 });
  });
});

describe('a history whose ends stand late', () => {
  const LATE = ['I m1', 'N m1 a0.0 -', 'H m1 a0.1 01 03', 'R m1 a0.0 12 a0 a0 va=0'];
  const GIVEN_BACK = [...LATE, 'R m1 a0.1 30 - - va=0', 'U a0.1 20 00'];

  it.each([
    ['uses a page that was given back', [...GIVEN_BACK, 'H m1 a0.1 01 03'], 'page-not-held'],
    ['gives a page back twice', [...GIVEN_BACK, 'U a0.0 10 00'], 'wrong-release'],
    ['gives a page back in use', [...LATE, 'U a0.0 12 00'], 'wrong-release'],
    ['frees what only waits', [...GIVEN_BACK, 'R m1 a0.0 0 - - va=0'], 'free-twice'],
  ] as const)('is refused when it %s', async (_name, records, code) => {
    const refusal = await folder.refusal(frag(S390_FRAG, ...records));
    expect(refusal).toMatchObject({ code, line: records.length + 2 });
  });
});

describe('the error', () => {
  it('says it all in its message, and in its fields', async () => {
    const file = folder.write(canon('I m1', 'R m1 a0.1 0'));
    const { message, ...fields } = await refusalOf(file);
    expect(message).toBe(
      `${file}:3: a0.1 is not allocated and is freed; expected its allocation before`,
    );
    const expected = 'its allocation before';
    expect(fields).toMatchObject({ code: 'free-without-alloc', file, line: 3, expected });
  });

  it('shows what it found, whatever bytes these are', async () => {
    const { message } = await folder.refusal(canon('I \u0001\u0007\u001b[31m'));
    expect(message).toContain('"\\x01\\x07\\x1b[31m" is wrong here; expected an mm, mN or pN');
    const long = await folder.refusal(canon(`I ${'y'.repeat(5000)}`));
    expect(long.message.length).toBeLessThan(250);
  });

  it('comes after the events before it', async () => {
    const file = folder.write(canon('I m1', 'X m1 e', 'Z'));
    let events = 0;
    await expect(readTrace(file, () => events++)).rejects.toMatchObject({ line: 4 });
    expect(events).toBe(2);
  });
});
