/** Names that somebody may have meant who gave another. */

/** As many fit on a line. */
const NAMES_MAX = 3;

/** The names most like what was given, the likeliest first. */
export function nearest(given: string, names: readonly string[]): string[] {
  const scores = new Map(names.map((name) => [name, unlikeness(given, name)]));
  const order = (a: string, b: string): number => (scores.get(a) ?? 0) - (scores.get(b) ?? 0);
  return names.toSorted(order).slice(0, NAMES_MAX);
}

/** Letters to be changed until it is how the name begins; what is left of the name counts less. */
function unlikeness(given: string, name: string): number {
  const rest = Math.abs(name.length - given.length) / 100;
  if (given !== '' && name.includes(given)) return rest;
  let row = Array.from({ length: name.length + 1 }, (_, at) => at);
  for (const letter of given) {
    const above = row;
    row = [(above[0] as number) + 1];
    for (let at = 1; at <= name.length; at++) {
      const replaced = (above[at - 1] as number) + (letter === name[at - 1] ? 0 : 1);
      const one = Math.min(above[at] as number, row[at - 1] as number) + 1;
      row.push(Math.min(replaced, one));
    }
  }
  return Math.min(...row) + rest;
}
