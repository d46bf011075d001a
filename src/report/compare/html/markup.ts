/** HTML from templates: whatever is put into one is text, unless it came out of one. */

export interface Markup {
  readonly markup: string;
}

type Value = string | number | Markup | readonly (string | Markup)[];

const ENTITIES: Readonly<Record<string, string>> = Object.freeze({
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
});

/** html`<p>${text}</p>`: also within quoted attributes. */
export function html(texts: TemplateStringsArray, ...values: readonly Value[]): Markup {
  const parts = texts.map((text, at) => (at === 0 ? '' : markupOf(values[at - 1] ?? '')) + text);
  return { markup: parts.join('') };
}

function markupOf(value: Value): string {
  if (typeof value === 'string') return value.replace(/[&<>"']/g, (c) => ENTITIES[c] as string);
  if (typeof value === 'number') return String(value);
  return 'markup' in value ? value.markup : value.map(markupOf).join('');
}

/** What a `<script>` or a `<style>` holds is not escaped, so it must not be able to end it. */
export function rawText(text: string): Markup {
  if (/<\/(?:script|style)|<!--/i.test(text)) throw new Error('a script that ends its own element');
  return { markup: text };
}

/** JSON for a `<script type="application/json">`. */
export function jsonText(value: unknown): Markup {
  return rawText(JSON.stringify(value).replaceAll('<', '\\u003c'));
}
