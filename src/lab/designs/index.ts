/** The designs, by name, and the recordings that each can be driven by. */
import { UsageError } from '../../core/base/errors.js';
import type { Geometry } from '../../core/pgtable/geometry.js';
import { type Architecture, architectureWith } from './architecture.js';
import { CORE_DESIGNS } from './cores.js';
import {
  type Design,
  type DesignEntry,
  type Mode,
  perPageOf,
  type Scale,
  type Sharing,
} from './design.js';
import { POWERPC_V61 } from './linux/powerpc-6.1.js';
import { POWERPC_V66 } from './linux/powerpc-6.6.js';
import type { LinuxPage, LinuxRule, RuleEntry } from './linux/rule.js';
import { S390_V61 } from './linux/s390-6.1.js';
import { S390_V66 } from './linux/s390-6.6.js';
import { S390_V67 } from './linux/s390-6.7.js';
import { MAIL } from './mail.js';
import { WHOLE_PAGE } from './whole-page.js';

/**
 * In the order of tables. Of an architecture's own rules the first was recorded, and the last is
 * that of Linux today.
 */
const DESIGNS: readonly DesignEntry[] = [
  ...CORE_DESIGNS,
  MAIL,
  S390_V61,
  S390_V66,
  S390_V67,
  POWERPC_V61,
  POWERPC_V66,
  WHOLE_PAGE,
];

/** The names of all designs that fit a geometry: ours, the mail's, Linux's, and none at all. */
export function designsFor(geometry: Geometry): string[] {
  return namesOf(DESIGNS.filter((entry) => fits(entry, geometry)));
}

/** The names of the architecture's own rules: the one that was recorded first, the newest last. */
export function rulesFor(geometry: Geometry): string[] {
  return namesOf(DESIGNS.filter(isRule).filter((entry) => fits(entry, geometry)));
}

/** Whether the design can be driven with that geometry. Throws `UsageError` for an unknown one. */
export function designFits(name: string, geometry: Geometry): boolean {
  return fits(designNamed(name), geometry);
}

/** Of whose Linux the design is; null: it can have any geometry. Throws `UsageError`. */
export function architectureOf(name: string): Architecture | null {
  return designNamed(name).architecture;
}

/** Throws `UsageError` that lists all designs for another name. */
export function designNamed(name: string): DesignEntry {
  return find(DESIGNS, name, 'design');
}

/**
 * Makes a design, with room for that much. Throws `UsageError` for an unknown one, and for one that
 * does not fit.
 */
export function makeDesign(
  name: string,
  geometry: Geometry,
  sharing: Sharing,
  mode: Mode,
  scale?: Scale,
): Design {
  const entry = designNamed(name);
  if (fits(entry, geometry)) return entry.make({ geometry, sharing, mode, scale });
  throw new UsageError('design-does-not-fit', `${name} has no rule for ${geometry.name}`);
}

/** Makes a rule of Linux, to be asked. Throws `UsageError` that lists them for another name. */
export function makeRule(name: string, geometry: Geometry): LinuxRule<LinuxPage> {
  return find(DESIGNS.filter(isRule), name, 'rule of a kernel').makeRule(perPageOf(geometry));
}

function isRule(entry: DesignEntry): entry is RuleEntry {
  return 'makeRule' in entry;
}

function fits({ architecture, perPageMax }: DesignEntry, geometry: Geometry): boolean {
  if (Math.max(...perPageOf(geometry)) > perPageMax) return false;
  return architecture === null || architecture === architectureWith(geometry.name);
}

function find<Entry extends DesignEntry>(
  entries: readonly Entry[],
  name: string,
  what: string,
): Entry {
  const entry = entries.find((each) => each.name === name);
  if (entry !== undefined) return entry;
  const names = namesOf(entries).join(', ');
  throw new UsageError('no-such-design', `no ${what} ${name}; there are: ${names}`);
}

function namesOf(entries: readonly DesignEntry[]): string[] {
  return entries.map(({ name }) => name);
}
