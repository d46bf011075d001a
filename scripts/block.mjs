/** Parts of a page that are made by a program: they stand between two marks. */

/** The page with what stands between the marks replaced. */
export function withBlock(page, name, block) {
  const [begin, end] = [`<!-- ${name} -->\n`, `\n<!-- /${name} -->`];
  const from = page.indexOf(begin);
  const to = page.indexOf(end);
  if (from < 0 || to < from) throw new Error(`the page has no block "${name}"`);
  return page.slice(0, from + begin.length) + block + page.slice(to);
}
