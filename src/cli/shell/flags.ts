/**
 * What a command can be given on its command line. Each option and argument is declared once, with
 * the type of what the command gets for it.
 */
import { Argument as CommanderArgument, InvalidArgumentError, Option } from 'commander';

/** An option. `Value` is what the command gets, whether the option is given or not. */
export class Flag<Value> {
  readonly option: Option;
  /** What the command gets where the option is not given. */
  readonly absent: Value;

  constructor(option: Option, absent: Value) {
    this.option = option;
    this.absent = absent;
  }

  /** The same with a default, which the help shows. */
  or(value: NonNullable<Value>): Flag<NonNullable<Value>> {
    return new Flag(this.option.default(value), value);
  }

  /** The same, refused beside options of these names, without `--` and `no-`. */
  without(...names: readonly string[]): this {
    this.option.conflicts([...names]);
    return this;
  }

  /** The same where the option must be given. */
  required(): Flag<NonNullable<Value>> {
    // Without it commander refuses the command line, so there always is a value.
    return new Flag(this.option.makeOptionMandatory(), this.absent as NonNullable<Value>);
  }
}

/** Options by the names under which a command gets their values. */
export type Flags = Readonly<Record<string, Flag<unknown>>>;

export type ValuesOf<F extends Flags> = {
  readonly [Name in keyof F]: F[Name] extends Flag<infer Value> ? Value : never;
};

/** The values, of what commander has read. */
export function valuesOf<F extends Flags>(
  flags: F,
  read: Readonly<Record<string, unknown>>,
): ValuesOf<F> {
  const values = Object.entries(flags).map(([name, { option, absent }]) => {
    return [name, read[option.attributeName()] ?? absent] as const;
  });
  return Object.fromEntries(values) as ValuesOf<F>;
}

/** Given or not. One that is spelt `--no-x` is true unless it is given. */
export function toggle(spelling: string, about: string): Flag<boolean> {
  const option = new Option(spelling, about);
  return new Flag(option, option.negate);
}

export function text(spelling: string, about: string): Flag<string | null> {
  return new Flag<string | null>(new Option(spelling, about), null);
}

/** One that can be given several times. */
export function texts(spelling: string, about: string): Flag<readonly string[] | null> {
  const collect = (each: string, before: readonly string[] = []): readonly string[] => [
    ...before,
    each,
  ];
  return parsed(spelling, about, collect);
}

export function choice<const Name extends string>(
  spelling: string,
  about: string,
  names: readonly Name[],
): Flag<Name | null> {
  return new Flag<Name | null>(new Option(spelling, about).choices(names), null);
}

export function whole(
  spelling: string,
  about: string,
  [least, most]: readonly [number, number],
): Flag<number | null> {
  return parsed(spelling, about, (given) => {
    const value = /^\d+$/.test(given) ? Number(given) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Expected a whole number from ${least} to ${most}.`);
  });
}

/** A number from 0 to `most`, which is called `what` where another is refused. */
export function fraction(
  spelling: string,
  about: string,
  { most, what }: { readonly most: number; readonly what: string },
): Flag<number | null> {
  return parsed(spelling, about, (given) => {
    const value = /^(?:\d+|\d*\.\d+)$/.test(given) ? Number(given) : Number.NaN;
    if (value <= most) return value;
    throw new InvalidArgumentError(`Expected a ${what} from 0 to ${most}.`);
  });
}

/** How often in a second: `5`, `0.5` or `5/s`. */
export function rate(spelling: string, about: string, most: number): Flag<number | null> {
  return parsed(spelling, about, (given) => {
    const value = /^(?:\d+|\d*\.\d+)(?:\/s)?$/.test(given) ? Number.parseFloat(given) : Number.NaN;
    if (value <= most) return value;
    throw new InvalidArgumentError(`Expected a rate from 0 to ${most} per second, such as 5/s.`);
  });
}

/** `parse` throws commander's `InvalidArgumentError` for what it does not understand. */
export function parsed<Value>(
  spelling: string,
  about: string,
  parse: (given: string, before: Value | undefined) => Value,
): Flag<Value | null> {
  return new Flag<Value | null>(new Option(spelling, about).argParser<Value>(parse), null);
}

/** What stands on a command line without an option's name. */
export class Argument<Given> {
  readonly argument: CommanderArgument;
  /** Never set: the type of what the command gets. */
  declare readonly given: Given;

  constructor(spelling: string, about: string) {
    this.argument = new CommanderArgument(spelling, about);
  }
}

/** One: `<FILE>`. */
export function one(name: string, about: string): Argument<string> {
  return new Argument(`<${name}>`, about);
}

/** One or more: `<FILE...>`. */
export function oneOrMore(name: string, about: string): Argument<readonly string[]> {
  return new Argument(`<${name}...>`, about);
}

/** Any number, also none: `[FILE...]`. */
export function anyNumber(name: string, about: string): Argument<readonly string[]> {
  return new Argument(`[${name}...]`, about);
}
