/**
 * How each line of a chart looks, the same in all charts.
 *
 * Colours are told apart by people who see red and green as one, too, each has a contrast of 3 to 1
 * with the background, and where two look alike their dashes differ.
 */

/** The key of a line: what its colour is called in the style sheet. */
export interface LineStyle {
  readonly key: string;
  /** On a light background, and on a dark one. */
  readonly light: string;
  readonly dark: string;
  readonly width: number;
  /** Lengths of dashes and gaps; none for a solid line. */
  readonly dash: readonly number[];
}

type Look = readonly [light: string, dark: string, width: number, ...dash: number[]];

const LOOKS: Readonly<Record<string, Look>> = Object.freeze({
  kernel: ['#1a1a1a', '#f4f4f4', 4],
  limit: ['#6b6b6b', '#a3a3a3', 1.5, 2, 3],
  'limit-all': ['#8a8a8a', '#868686', 1.5, 6, 5],
  common: ['#0067b0', '#58b0ff', 2],
  'common-all': ['#00a2ad', '#9fdba4', 1.5, 8, 4],
  'common-A': ['#5b7f95', '#cfe3ff', 1.5, 6, 2, 1, 2],
  'common-Y': ['#b3005e', '#ffb3d1', 1.5, 1, 2, 6, 2],
  mail: ['#9f7800', '#ff952d', 1.5, 10, 3, 2, 3],
  '6.1': ['#e26d5c', '#b08a44', 1.5, 5, 3],
  '6.6': ['#75006c', '#e64fbb', 1.5, 2, 4],
  '6.7': ['#113f00', '#46f07f', 1.5, 8, 8],
  'whole-page': ['#a675ff', '#9273f2', 3.5],
  other: ['#3d3d8f', '#c9c27a', 1.5, 12, 2],
});

export const BACKGROUND: Readonly<Record<'light' | 'dark', string>> = Object.freeze({
  light: '#ffffff',
  dark: '#15181c',
});

/**
 * Of a design; of Linux's rules those of one version look alike on both architectures. Designs
 * without a look of their own have one in common.
 */
export function lineStyleOf(design: string, sharing: 'mm' | 'all' | null): LineStyle {
  const name = design.replace(/^(?:s390|powerpc)-/, '');
  const key = sharing === 'all' ? `${name}-all` : name;
  return lineStyle(Object.hasOwn(LOOKS, key) ? key : 'other');
}

export function lineStyle(key: string): LineStyle {
  const look = LOOKS[key];
  if (look === undefined) throw new Error(`no line style ${key}`);
  const [light, dark, width, ...dash] = look;
  return { key: key.replace('.', '-'), light, dark, width, dash };
}

/** The colours as custom properties, for one of the two backgrounds. */
export function colourProperties(theme: 'light' | 'dark'): string {
  const lines = Object.keys(LOOKS).map(lineStyle);
  return lines.map((style) => `--line-${style.key}: ${style[theme]};`).join(' ');
}
