/** The HTML report in a real browser: its charts are drawn, and nothing goes wrong. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lineStyle } from '#src/report/compare/html/lines.js';
import { Browser, evaluate, findBrowser, type Page } from '../fixtures/browser.js';
import { ptfrag } from '../fixtures/command.js';

const program = findBrowser();
const without = 'there is no chromium or chrome in the PATH, and PTFRAG_BROWSER names no other';

const folder = mkdtempSync(join(tmpdir(), 'ptfrag-browser-test-'));
const file = join(folder, 'report.html');
const url = pathToFileURL(file).href;

let browser: Browser | null = null;

beforeAll(async () => {
  if (program === null) return;
  await ptfrag(['compare', 's390x/quick', 'ppc64le/quick-hash', '--html', file]);
  browser = new Browser(program);
});

afterAll(async () => {
  await browser?.close();
  rmSync(folder, { recursive: true });
});

function open(width: number, scheme: 'light' | 'dark'): Promise<Page> {
  if (browser === null) throw new Error(without);
  return browser.open(url, width, scheme);
}

/** How many pixels of a chart have about that colour. */
function pixels(page: Page, chart: number, colour: string): Promise<number> {
  return evaluate(
    page,
    `(async () => {
      await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 50)));
      const canvas = document.querySelectorAll('canvas')[${chart}];
      const { width, height } = canvas;
      const often = { willReadFrequently: true };
      const copy = new OffscreenCanvas(width, height).getContext('2d', often);
      copy.drawImage(canvas, 0, 0);
      const { data } = copy.getImageData(0, 0, width, height);
      const wanted = [1, 3, 5].map((at) => parseInt('${colour}'.slice(at, at + 2), 16));
      let found = 0;
      for (let at = 0; at < data.length; at += 4) {
        const near = wanted.every((part, i) => Math.abs(part - data[at + i]) < 12);
        if (near && data[at + 3] > 200) found++;
      }
      return found;
    })()`,
  );
}

const click = (page: Page, selector: string, at = 0): Promise<unknown> =>
  evaluate(page, `document.querySelectorAll('${selector}')[${at}].click()`);

describe('the report in a browser', () => {
  it.for([
    [1280, 'light'],
    [1280, 'dark'],
    [360, 'light'],
  ] as const)('draws every chart, %i wide and %s', async ([width, scheme], { skip }) => {
    skip(program === null, without);
    const page = await open(width, scheme);
    expect(await evaluate(page, `document.querySelectorAll('canvas').length`)).toBe(4);
    for (let chart = 0; chart < 4; chart++) {
      for (const key of ['kernel', 'common']) {
        expect(await pixels(page, chart, lineStyle(key)[scheme]), key).toBeGreaterThan(20);
      }
    }
    const overflow = 'document.documentElement.scrollWidth - innerWidth';
    expect(await evaluate(page, overflow)).toBeLessThanOrEqual(0);
    expect(page.problems).toEqual([]);
    expect(page.requests).toHaveLength(1);
    expect(page.requests[0]).toContain(url);
  });

  it('hides and shows lines, and those that hold far too much only when asked', async ({
    skip,
  }) => {
    skip(program === null, without);
    const page = await open(1280, 'light');
    const boxes = '#trace-1 .legend input';
    const checked = `[...document.querySelectorAll('${boxes}')].map((box) => box.checked)`;
    // Behind whole-page, which holds 9 times what the kernel held, are only the two limits.
    const asked = await evaluate<boolean[]>(page, checked);
    expect(asked.map((is) => (is ? 1 : 0)).join('')).toBe('11111111011');
    const { light } = lineStyle('whole-page');
    expect(await pixels(page, 2, light)).toBe(0);
    await click(page, boxes, 8);
    expect(await pixels(page, 2, light)).toBeGreaterThan(20);
    expect(await pixels(page, 3, light)).toBeGreaterThan(20);
    await click(page, boxes, 8);
    expect(await pixels(page, 2, light)).toBe(0);
    expect(page.problems).toEqual([]);
  });

  it('reads out the pages at the cursor, zooms both charts, and can be logarithmic', async ({
    skip,
  }) => {
    skip(program === null, without);
    const page = await open(1280, 'light');
    await click(page, '#scale-log');
    const box = await evaluate<{ x: number; y: number; width: number; height: number }>(
      page,
      `document.querySelector('#trace-0 .chart').scrollIntoView(),
       document.querySelector('#trace-0 .u-over').getBoundingClientRect().toJSON()`,
    );
    const mouse = (type: string, part: number): Promise<unknown> =>
      page.call('Input.dispatchMouseEvent', {
        type,
        x: box.x + part * box.width,
        y: box.y + 0.5 * box.height,
        button: type === 'mouseMoved' ? 'none' : 'left',
        clickCount: 1,
      });
    await mouse('mouseMoved', 0.3);
    const values = `[...document.querySelectorAll('#trace-0 .value')].map((v) => v.textContent)`;
    expect(await pixels(page, 0, lineStyle('common').light)).toBeGreaterThan(20);
    const texts = await evaluate<string[]>(page, values);
    // 12 lines in two charts.
    expect(texts).toHaveLength(24);
    expect(texts.every((text) => /^[\d,]+$/.test(text))).toBe(true);
    const hidden = `document.querySelector('#trace-0 .whole').hidden`;
    expect(await evaluate(page, hidden)).toBe(true);
    await mouse('mousePressed', 0.3);
    await mouse('mouseMoved', 0.6);
    await mouse('mouseReleased', 0.6);
    await pixels(page, 0, '#000000');
    expect(await evaluate(page, hidden)).toBe(false);
    await click(page, '#trace-0 .whole');
    await pixels(page, 0, '#000000');
    expect(await evaluate(page, hidden)).toBe(true);
    expect(page.problems).toEqual([]);
  });

  it('is printed light, in the width of the paper', async ({ skip }) => {
    skip(program === null, without);
    const page = await open(1280, 'dark');
    await evaluate(page, `dispatchEvent(new Event('beforeprint'))`);
    expect(await pixels(page, 0, lineStyle('common').light)).toBeGreaterThan(20);
    expect(await evaluate(page, `document.querySelector('canvas').clientWidth`)).toBe(640);
    await evaluate(page, `dispatchEvent(new Event('afterprint'))`);
    expect(await pixels(page, 0, lineStyle('common').dark)).toBeGreaterThan(20);
    expect(page.problems).toEqual([]);
  });
});
