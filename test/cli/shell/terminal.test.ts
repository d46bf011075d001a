/** Signals, readers that go away, progress: what a command does to the terminal around it. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Terminal } from '#src/cli/shell/terminal.js';
import type { CompareDocument } from '#src/lab/compare/compare.js';
import { documentIn, Paper, ptfragProcess } from '../../fixtures/command.js';
import { ANNOUNCE, signalAfter } from '../../fixtures/signals.js';

describe('a signal', () => {
  it.each([
    ['SIGHUP', 129],
    ['SIGINT', 130],
    ['SIGQUIT', 131],
    ['SIGTERM', 143],
  ] as const)('ends with a document: %s', async (signal, exitCode) => {
    const started = signalAfter('stderr', 'ready', signal);
    const run = await ptfragProcess(['compare', '--json'], { node: ANNOUNCE, started });
    expect(run.status).toBe(exitCode);
    expect(documentIn(run)).toMatchObject({
      schema: 1,
      command: 'compare',
      verdict: 'interrupted',
      ok: false,
      error: { code: 'interrupted', message: `stopped by ${signal}`, file: null, line: null },
    });
    expect(run.stderr).toContain('interrupted: compared 0 of 9 recordings');
  });

  it('keeps what was done so far', async () => {
    const started = signalAfter('stdout', 's390x/quick', 'SIGINT');
    const traces = ['s390x/quick', 's390x/mix', 'ppc64le/mm-radix'];
    const run = await ptfragProcess(['compare', ...traces], { started });
    expect(run.status).toBe(130);
    // Usually one; two where this test is slow to see the first.
    expect(run.stderr).toMatch(
      /^interrupted: compared [12] of 3 recordings \(stopped by SIGINT\)\n$/,
    );
    expect(run.stdout).toContain('  whole-page         34.59');
    expect(run.stdout).not.toContain('holds: ');
  });

  it('stops real threads', async () => {
    const started = signalAfter('stderr', 'ready', 'SIGINT');
    const args = ['replay', 's390x/mix', '--json'];
    const run = await ptfragProcess(args, { node: ANNOUNCE, started });
    expect(run.status).toBe(130);
    expect(documentIn(run)).toMatchObject({ command: 'replay', verdict: 'interrupted' });
  });
});

describe('a reader that goes away', () => {
  it('of stderr is no error', async () => {
    const run = await ptfragProcess(['compare', 'imported/make', 'nix'], {
      started: (child) => child.stderr?.destroy(),
    });
    expect(run.status).toBe(2);
    expect(run.stdout).toContain('whole-page');
  });

  it.each([
    'check take-vs-take+one-block three-holders+one-lock',
    'check --list',
    'compare imported/make',
    'compare imported/make --json',
    'compare nix --json',
    'demo',
    'doctor',
    'oracle s390x/quick',
    'replay imported/make --threads 1',
    'help',
  ])('of stdout ends it quietly: %s', async (line) => {
    const run = await ptfragProcess(line.split(' '), {
      started: (child) => child.stdout?.destroy(),
    });
    const said = line.includes('nix') ? /^ptfrag: nix is not there; [^\n]*\n$/ : /^$/;
    expect(run).toEqual({ status: 141, stdout: '', stderr: expect.stringMatching(said) });
  });
});

describe('the document', () => {
  it('is all there is on stdout, however large', async () => {
    const run = await ptfragProcess([
      'compare',
      'ppc64le/quick-hash',
      'ppc64le/quick-radix',
      '--json',
    ]);
    expect(run.stdout.trimEnd().split('\n')).toHaveLength(1);
    expect(documentIn<CompareDocument>(run).rows).toHaveLength(60);
  });
});

/** A terminal, or what is none, and everything that was written to it. */
function paper(isTTY: boolean, environment: Record<string, string> = {}) {
  const [out, notes] = [new Paper(isTTY), new Paper(isTTY)];
  return { out, notes, terminal: new Terminal(out.stream, notes.stream, environment) };
}

describe('a stream that breaks', () => {
  const unread = Object.assign(new Error('EPIPE'), { code: 'EPIPE' });

  it('stops the command if it is stdout', () => {
    const { out, terminal } = paper(false);
    expect(terminal.readerGone.aborted).toBe(false);
    out.emit('error', unread);
    expect(terminal.readerGone).toMatchObject({ aborted: true, reason: 'SIGPIPE' });
  });

  it('stops nothing if it is stderr', () => {
    const { notes, terminal } = paper(false);
    notes.emit('error', unread);
    expect(terminal.readerGone.aborted).toBe(false);
  });
});

describe('progress', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['performance'] });
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  it('is one line at a terminal, cut to its width and gone before the next text', () => {
    const { out, notes, terminal } = paper(true, { NO_COLOR: '1' });
    terminal.status('too early');
    vi.advanceTimersByTime(100);
    terminal.status('a status that is longer than thirty columns');
    vi.advanceTimersByTime(10);
    terminal.status('too early');
    terminal.print('result');
    terminal.note('note');
    expect(notes.text).toBe('\r\u001b[Ka status that is longer than \r\u001b[Knote\n');
    expect(out.text).toBe('result\n');
  });

  it('is a plain line every few seconds elsewhere', () => {
    for (const environment of [{}, { TERM: 'dumb' }]) {
      const { notes, terminal } = paper('TERM' in environment, environment);
      for (let second = 1; second <= 12; second++) {
        vi.advanceTimersByTime(1000);
        terminal.status(`at ${second}`);
      }
      terminal.clearStatus();
      expect(notes.text).toBe('at 5\nat 10\n');
    }
  });

  it('has as many columns as the terminal, or as asked for', () => {
    expect(paper(true, { COLUMNS: '99' }).terminal.columns).toBe(30);
    expect(paper(false, { COLUMNS: '99' }).terminal.columns).toBe(99);
    expect(paper(false).terminal.columns).toBe(80);
    expect(paper(true).terminal.paint('bold', 'x')).toBe('\u001b[1mx\u001b[22m');
    expect(paper(true, { NO_COLOR: '' }).terminal.paint('bold', 'x')).toContain('\u001b');
    expect(paper(true, { NO_COLOR: '1' }).terminal.paint('bold', 'x')).toBe('x');
  });
});
