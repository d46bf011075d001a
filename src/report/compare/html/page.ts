/**
 * The script of the HTML report: draws the charts from the data in the page.
 *
 * It runs in a browser: the report has it inline, as compiled, behind uPlot. It only ever adds to a
 * page that can be read without it. What it needs of the browser is declared here, so that the rest
 * of the project is not compiled as if it ran in one.
 */

/** One line, in each chart of its trace. */
export interface ChartLine {
  /** Its colour is the custom property `--line-KEY`. */
  readonly key: string;
  readonly width: number;
  readonly dash: readonly number[];
}

/** The most of each span; null where the line is not in this chart. */
export type ChartRow = readonly number[] | null;

export interface ChartTrace {
  /** Of the section's element. */
  readonly id: string;
  /** Where each span begins, in seconds, and where the last one ends. */
  readonly starts: readonly number[];
  readonly lines: readonly ChartLine[];
  /** A row for each line, of each chart. */
  readonly charts: readonly (readonly ChartRow[])[];
}

interface Element {
  readonly clientWidth: number;
  readonly dataset: Record<string, string | undefined>;
  checked: boolean;
  disabled: boolean;
  hidden: boolean;
  textContent: string | null;
  addEventListener(type: string, listener: () => void): void;
  querySelectorAll(selector: string): Iterable<Element>;
  querySelector(selector: string): Element | null;
}

interface Plot {
  readonly cursor: { readonly idx?: number | null };
  readonly scales: { readonly x: { readonly min?: number | null; readonly max?: number | null } };
  setSize(size: { readonly width: number; readonly height: number }): void;
  setSeries(index: number, options: { readonly show: boolean }): void;
  setScale(key: string, range: { readonly min: number; readonly max: number }): void;
  redraw(rebuildPaths: boolean, recalcAxes: boolean): void;
  destroy(): void;
}

interface PlotConstructor {
  new (options: object, data: readonly (readonly unknown[])[], into: Element): Plot;
  readonly paths: { stepped(options: { readonly align: 1 }): unknown };
}

declare const uPlot: PlotConstructor;
declare const document: { readonly documentElement: Element } & Pick<
  Element,
  'querySelector' | 'querySelectorAll'
>;
declare const window: Pick<Element, 'addEventListener'>;
declare const ResizeObserver: new (listener: () => void) => { observe(element: Element): void };
declare function matchMedia(query: string): Pick<Element, 'addEventListener'>;
declare function getComputedStyle(element: Element): { getPropertyValue(name: string): string };

const FONT = '12px system-ui, sans-serif';
/** What fits on A4 and on Letter. */
const PRINTED_WIDTH = 640;
const isLog = (): boolean => one(document, '#scale-log').checked;

function one(within: Pick<Element, 'querySelector'>, selector: string): Element {
  const found = within.querySelector(selector);
  if (found === null) throw new Error(`the report has no ${selector}`);
  return found;
}

function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function heightFor(width: number): number {
  return Math.round(Math.min(340, Math.max(220, 0.5 * width)));
}

/** Pages with commas, seconds down to what a recording has. */
function words(value: number, maximumFractionDigits = 6): string {
  return value.toLocaleString('en-US', { maximumFractionDigits });
}

function axis(label: string, size: number): object {
  const values = (_plot: unknown, splits: readonly (number | null)[]): string[] =>
    splits.map((value) => (value === null ? '' : words(value)));
  return {
    label,
    size,
    labelSize: 18,
    labelFont: FONT,
    font: FONT,
    values,
    stroke: () => colour('--text'),
    grid: { stroke: () => colour('--rule'), width: 1 },
    ticks: { stroke: () => colour('--rule'), width: 1 },
  };
}

function seriesOf({ key, width, dash }: ChartLine): object {
  const paths = uPlot.paths.stepped({ align: 1 });
  const stroke = (): string => colour(`--line-${key}`);
  return { stroke, width, dash, paths, points: { show: false } };
}

/** The charts of one trace, its legend, and the two together. */
class TraceCharts {
  private readonly trace: ChartTrace;
  private readonly section: Element;
  private readonly boxes: readonly Element[];
  /** Lines as they are drawn: dashed ones last, so that what is below shows through the gaps. */
  private readonly order: readonly number[];
  private plots: Plot[] = [];
  /** What is looked at, in seconds. */
  private from = 0;
  private until = Infinity;

  constructor(trace: ChartTrace) {
    this.trace = trace;
    this.section = one(document, `#${trace.id}`);
    const lines = trace.lines.map((line, at) => ({ at, isDashed: line.dash.length > 0 }));
    this.order = lines.sort((a, b) => +a.isDashed - +b.isDashed).map(({ at }) => at);
    this.boxes = [...this.section.querySelectorAll('.legend input')];
    this.boxes.forEach((box, at) => {
      box.disabled = false;
      box.addEventListener('change', () => this.show(at));
    });
    one(this.section, '.whole').addEventListener('click', () => this.showWhole());
    this.draw();
    for (const place of this.places()) new ResizeObserver(() => this.fit()).observe(place);
  }

  /** Anew: a scale can't be changed in a chart that is there. */
  draw(): void {
    for (const plot of this.plots) plot.destroy();
    [this.plots, this.from, this.until] = [[], 0, Infinity];
    this.plots = this.places().map(
      (place, at) => new uPlot(this.optionsFor(at, place.clientWidth), this.dataOf(at), place),
    );
    this.boxes.forEach((_, at) => {
      this.show(at);
    });
  }

  private optionsFor(chart: number, width: number): object {
    const lines = this.order.map((line) => seriesOf(this.trace.lines[line] as ChartLine));
    return {
      width,
      height: heightFor(width),
      legend: { show: false },
      cursor: {
        sync: { key: this.trace.id },
        drag: { x: true, y: false },
        points: { show: false },
      },
      scales: {
        x: { time: false },
        y: { distr: isLog() ? 3 : 1, range: () => this.pageRange(), clamp: 0.9 },
      },
      axes: [axis('seconds', 34), axis('PTE pages', 52)],
      series: [{}, ...lines],
      hooks: {
        setCursor: [(plot: Plot): void => this.readOut(plot, chart)],
        setScale: [
          (plot: Plot, key: string): void => {
            if (key === 'x') this.zoomed(plot);
          },
        ],
      },
    };
  }

  /** The same in all charts of the trace. From 0; a logarithmic scale has none. */
  private pageRange(): [number, number] {
    const { starts, charts } = this.trace;
    const isSeen = (_: number, at: number): boolean =>
      (starts[at + 1] ?? Infinity) >= this.from && (starts[at] ?? 0) <= this.until;
    const rows = charts.flatMap((chart) => chart.filter((_, line) => this.boxes[line]?.checked));
    const most = Math.max(1, ...rows.flatMap((row) => row?.filter(isSeen) ?? []));
    return isLog() ? [0.9, 1.2 * most] : [0, 1.05 * most];
  }

  /** While a chart changes what it looks at, its own range is still that of before. */
  private zoomed({ scales: { x } }: Plot): void {
    [this.from, this.until] = [x.min ?? 0, x.max ?? Infinity];
    const [min, max] = this.pageRange();
    for (const plot of this.plots) plot.setScale('y', { min, max });
    const isWhole = this.from <= 0 && this.until >= (this.trace.starts.at(-1) ?? 0);
    one(this.section, '.whole').hidden = isWhole;
  }

  fit(): void {
    const isPrinted = document.documentElement.dataset['printing'] !== undefined;
    this.places().forEach((place, at) => {
      const width = isPrinted ? PRINTED_WIDTH : place.clientWidth;
      if (width > 0) this.plots[at]?.setSize({ width, height: heightFor(width) });
    });
  }

  repaint(): void {
    for (const plot of this.plots) plot.redraw(false, true);
  }

  private places(): Element[] {
    return [...this.section.querySelectorAll('.chart')];
  }

  private dataOf(chart: number): (readonly unknown[])[] {
    const { starts, charts } = this.trace;
    const rows = charts[chart] ?? [];
    return [starts, ...this.order.map((line) => rows[line] ?? starts.map(() => null))];
  }

  private show(line: number): void {
    const show = this.boxes[line]?.checked === true;
    for (const plot of this.plots) plot.setSeries(this.order.indexOf(line) + 1, { show });
  }

  private showWhole(): void {
    const { starts } = this.trace;
    const range = { min: starts[0] ?? 0, max: starts.at(-1) ?? 0 };
    for (const plot of this.plots) plot.setScale('x', range);
  }

  /** What each line is at the cursor, beside its name. */
  private readOut({ cursor }: Plot, chart: number): void {
    const at = cursor.idx ?? null;
    const rows = this.trace.charts[chart] ?? [];
    const values = [...this.section.querySelectorAll(`.value[data-chart="${chart}"]`)];
    values.forEach((value, line) => {
      const pages = at === null ? undefined : rows[line]?.[at];
      value.textContent = pages === undefined ? '' : words(pages);
    });
    const seconds = at === null ? undefined : this.trace.starts[at];
    one(this.section, '.time').textContent =
      seconds === undefined ? '' : `at ${words(seconds, 3)} s`;
  }
}

const data = JSON.parse(one(document, '#data').textContent ?? '') as readonly ChartTrace[];
const charts = data.map((trace) => new TraceCharts(trace));
one(document, '#scale').hidden = false;
one(document, '#scale-log').addEventListener('change', () => {
  for (const chart of charts) chart.draw();
});
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  for (const chart of charts) chart.repaint();
});
// On paper all is light, and as wide as the paper.
window.addEventListener('beforeprint', () => {
  document.documentElement.dataset['printing'] = '';
  for (const chart of charts) chart.fit();
});
window.addEventListener('afterprint', () => {
  delete document.documentElement.dataset['printing'];
  for (const chart of charts) chart.fit();
});
