/**
 * How the PTE pages of one comparison changed in time, for whoever draws it.
 *
 * The comparison takes figures over whole traces; this is what is behind them. It is bounded: spans
 * of time, each with its least and its most (curve.ts), and so many grace periods of each run.
 */
import type { Design, Mode } from '../designs/design.js';
import type { DesignEvent } from '../trace/event.js';
import { Curve, SPANS, type Spans } from './curve.js';
import type { RunListener } from './design-run.js';
import type { Recording } from './recording.js';
import { Summarizer } from './summary.js';

/** One design, in one mode. */
export interface RunHistory {
  readonly design: string;
  readonly sharing: Design['sharing'];
  readonly mode: Mode;
  /** Length of its grace periods. Null: recorded ends. */
  readonly gpUs: number | null;
  readonly pages: Spans;
  /** When its grace periods began, from the trace's first record, in microseconds. */
  readonly graces: readonly number[];
  /** How many more there were than `graces` has. */
  readonly gracesLost: number;
}

export interface TraceHistory {
  readonly trace: string;
  /** From the first record to the last. */
  readonly durationUs: number;
  /** Pages that the recorded kernel held, and the fewest that would have done. */
  readonly kernel: Spans;
  readonly limit: Spans;
  /** The same, if any page served all mms. */
  readonly limitAll: Spans;
  /** As recorded: tables that are allocated, and tables that are freed and have not ended. */
  readonly live: Spans;
  readonly waiting: Spans;
  readonly runs: readonly RunHistory[];
}

const GRACES_MAX = 10_000;

/** Collects the history of one trace. */
export class HistoryKeeper {
  private readonly trace: string;
  private readonly span: Pick<Recording, 'firstUs' | 'lastUs'>;
  private readonly summarizer = new Summarizer();
  private readonly kernel: Curve;
  private readonly limit: Curve;
  private readonly limitAll: Curve;
  private readonly live: Curve;
  private readonly waiting: Curve;
  private readonly runs: RunHistoryKeeper[] = [];

  constructor(trace: string, recording: Recording) {
    this.trace = trace;
    this.span = recording;
    this.summarizer.begin(recording.facts);
    [this.kernel, this.limit, this.limitAll] = [this.curve(), this.curve(), this.curve()];
    [this.live, this.waiting] = [this.curve(), this.curve()];
  }

  /** Listens to a run that is about to begin. */
  listenerTo({ name: design, sharing }: Design, mode: Mode, gpUs: number | null): RunListener {
    const run = { design, sharing, mode, gpUs };
    const listener = new RunHistoryKeeper(run, this.span.firstUs, this.curve());
    this.runs.push(listener);
    return listener;
  }

  /** What the recording says itself. */
  event(event: DesignEvent): void {
    this.summarizer.event(event);
    const { kernel, limit, limitAll, live, waiting } = this.summarizer.pteNow();
    this.kernel.set(event.timeUs, kernel);
    this.limit.set(event.timeUs, limit);
    this.limitAll.set(event.timeUs, limitAll);
    this.live.set(event.timeUs, live);
    this.waiting.set(event.timeUs, waiting);
  }

  /** After all runs. */
  finish(): TraceHistory {
    const { firstUs, lastUs } = this.span;
    return {
      trace: this.trace,
      durationUs: lastUs - firstUs,
      kernel: this.kernel.finish(),
      limit: this.limit.finish(),
      limitAll: this.limitAll.finish(),
      live: this.live.finish(),
      waiting: this.waiting.finish(),
      runs: this.runs.map((run) => run.finish()),
    };
  }

  private curve(): Curve {
    return new Curve(this.span.firstUs, this.span.lastUs, SPANS);
  }
}

type RunFacts = Pick<RunHistory, 'design' | 'sharing' | 'mode' | 'gpUs'>;

class RunHistoryKeeper implements RunListener {
  private readonly run: RunFacts;
  private readonly firstUs: number;
  private readonly pages: Curve;
  private readonly graces: number[] = [];
  private gracesLost = 0;

  constructor(run: RunFacts, firstUs: number, pages: Curve) {
    this.run = run;
    this.firstUs = firstUs;
    this.pages = pages;
  }

  ptePages(timeUs: number, pages: number): void {
    this.pages.set(timeUs, pages);
  }

  graceBegins(timeUs: number): void {
    if (this.graces.length < GRACES_MAX) this.graces.push(timeUs - this.firstUs);
    else this.gracesLost++;
  }

  finish(): RunHistory {
    const { run, graces, gracesLost } = this;
    return { ...run, pages: this.pages.finish(), graces, gracesLost };
  }
}
