/** The designs, by name, and the recordings that each can be driven by. */
import { UsageError } from '../../core/base/errors.js';
import type { Geometry } from '../../core/pgtable/geometry.js';
import { CORES, type Core } from '../../core/variants/core.js';
import type { Sharing } from './common.js';
import { RecordedCommon } from './common-recorded.js';
import { TimedCommon } from './common-timed.js';
import type { Design, Mode, Scale } from './design.js';
import { PowerpcV61 } from './linux/powerpc-6.1.js';
import { PowerpcV66 } from './linux/powerpc-6.6.js';
import type { LinuxPage, LinuxRule } from './linux/rule.js';
import { S390V61 } from './linux/s390-6.1.js';
import { S390V66 } from './linux/s390-6.6.js';
import { S390V67 } from './linux/s390-6.7.js';
import { Mail } from './mail.js';
import { WholePage } from './whole-page.js';

type Make = (geometry: Geometry, sharing: Sharing, mode: Mode, scale?: Scale) => Design;

/** What some Linux did, on one architecture. */
interface Rule {
  readonly architecture: keyof typeof GEOMETRY_START;
  readonly make: (perPage: readonly number[]) => LinuxRule<LinuxPage>;
}

/** How the names of an architecture's geometries begin. */
const GEOMETRY_START = { s390x: 's390', ppc64le: 'powerpc-' } as const;

/** The architectures' own rules, by name, the oldest of each first: that is the recorded one. */
const RULES: Readonly<Record<string, Rule>> = Object.freeze({
  's390-6.1': { architecture: 's390x', make: () => new S390V61() },
  's390-6.6': { architecture: 's390x', make: () => new S390V66() },
  's390-6.7': { architecture: 's390x', make: () => new S390V67() },
  'powerpc-6.1': { architecture: 'ppc64le', make: (perPage) => new PowerpcV61(perPage) },
  'powerpc-6.6': { architecture: 'ppc64le', make: (perPage) => new PowerpcV66(perPage) },
});

/** Those that can have any geometry. */
const MAKERS: Readonly<Record<string, Make>> = Object.freeze({
  ...Object.fromEntries(CORES.map((core) => [core.name, makerOf(core)])),
  mail: (geometry: Geometry, _: Sharing, mode: Mode): Design => new Mail(perPageOf(geometry), mode),
  'whole-page': (): Design => new WholePage(),
});

/** The names of all designs that fit a geometry: ours, the mail's, Linux's, and none at all. */
export function designsFor(geometry: Geometry): string[] {
  const cores = CORES.map(({ name }) => name).filter((name) => designFits(name, geometry));
  return [...cores, 'mail', ...rulesFor(geometry), 'whole-page'];
}

/** The names of the architecture's own rules, the one that was recorded first. */
export function rulesFor(geometry: Geometry): string[] {
  return Object.keys(RULES).filter((name) => designFits(name, geometry));
}

/** Whether the design can be driven with that geometry. Throws `UsageError` for an unknown one. */
export function designFits(name: string, geometry: Geometry): boolean {
  const architecture = architectureOf(name);
  if (Math.max(...perPageOf(geometry)) > perPageMax(name)) return false;
  return architecture === null || geometry.name.startsWith(GEOMETRY_START[architecture]);
}

/** Of whose Linux the design is; null: it can have any geometry. Throws `UsageError`. */
export function architectureOf(name: string): 's390x' | 'ppc64le' | null {
  if (Object.hasOwn(MAKERS, name)) return null;
  const rule = Object.hasOwn(RULES, name) ? RULES[name] : undefined;
  if (rule !== undefined) return rule.architecture;
  throw noSuch('design', name, [...Object.keys(MAKERS), ...Object.keys(RULES)]);
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
  if (!designFits(name, geometry)) {
    const message = `${name} has no rule for ${geometry.name}`;
    throw new UsageError('design-does-not-fit', message);
  }
  const make = MAKERS[name];
  if (make !== undefined) return make(geometry, sharing, mode, scale);
  const rule = makeRule(name, geometry);
  rule.isRecorded = mode === 'recorded';
  return rule;
}

/** Makes a rule of Linux, to be asked. Throws `UsageError` that lists them for another name. */
export function makeRule(name: string, geometry: Geometry): LinuxRule<LinuxPage> {
  const rule = Object.hasOwn(RULES, name) ? RULES[name] : undefined;
  if (rule === undefined) throw noSuch('rule of a kernel', name, Object.keys(RULES));
  return rule.make(perPageOf(geometry));
}

function makerOf(core: Core): Make {
  return (geometry, sharing, mode, scale) => {
    const Timing = mode === 'gp' ? TimedCommon : RecordedCommon;
    return new Timing(core, geometry, sharing, scale);
  };
}

/** How many fragments of a page the design can serve. */
export function perPageMax(name: string): number {
  return CORES.find((core) => core.name === name)?.perPageMax ?? Number.POSITIVE_INFINITY;
}

function perPageOf({ kinds }: Geometry): number[] {
  return kinds.map(({ perPage }) => perPage);
}

function noSuch(what: string, name: string, names: readonly string[]): UsageError {
  return new UsageError('no-such-design', `no ${what} ${name}; there are: ${names.join(', ')}`);
}
