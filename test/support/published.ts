/**
 * What is published, read from the built declarations: each function and method with its
 * parameters, each shape of options with its fields. So a new one can't be forgotten by a test.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { modulesOf } from './modules.js';

const DIST = fileURLToPath(new URL('../../dist/', import.meta.url));

export interface Parameter {
  readonly name: string;
  readonly type: string;
}

export interface Callable {
  /** The class that it is a method of; null: a function of the entry. */
  readonly owner: string | null;
  readonly name: string;
  readonly parameters: readonly Parameter[];
}

/** Declarations without comments, each on one line. */
function declarations(entry: string): string {
  // Types alone load no module, so their files are in no list of those: whole folders are read.
  const folders = new Set(modulesOf(entry).map((module) => module.replace(/[^/]*$/, '')));
  return [...folders]
    .flatMap((folder) => readdirSync(DIST + folder).map((name) => folder + name))
    .filter((path) => path.endsWith('.d.ts'))
    .map((path) => readFileSync(DIST + path, 'utf8').replace(/\/\*[\s\S]*?\*\//g, ''))
    .join('\n');
}

/** Parts of a text between commas that are in no brackets. */
function parts(text: string): string[] {
  const found: string[] = [];
  let [depth, from] = [0, 0];
  for (let at = 0; at < text.length; at++) {
    const char = text[at] as string;
    if ('([{'.includes(char) || (char === '<' && text[at + 1] !== '=')) depth++;
    if (')]}'.includes(char) || (char === '>' && text[at - 1] !== '=')) depth--;
    if (char !== ',' || depth > 0) continue;
    found.push(text.slice(from, at));
    from = at + 1;
  }
  return [...found, text.slice(from)].filter((part) => part.trim() !== '');
}

function parameterOf(text: string): Parameter {
  const [, name = '', type = ''] = /^\s*(?:readonly )?(\w+)\??:\s*([\s\S]+?)\s*$/.exec(text) ?? [];
  return { name, type: type.replace(/ \| undefined$/, '').replace(/\s+/g, ' ') };
}

/** The functions of an entry, by the names that it has at run time. */
export function functionsOf(
  entry: string,
  exported: Readonly<Record<string, unknown>>,
): Callable[] {
  const text = declarations(entry);
  const names = Object.keys(exported).filter((name) => isPlainFunction(exported[name]));
  return names.map((name) => {
    // The entry's own, where the core has one of that name, too: it is exported last by its file.
    const found = [
      ...text.matchAll(new RegExp(`function ${name}(?:<[^;]*?>(?=\\())?\\(([^;]*)\\): `, 'g')),
    ];
    const [, inside] = found.at(0) ?? [];
    if (inside === undefined) throw new Error(`no declaration of ${name} is found`);
    return { owner: null, name, parameters: parts(inside).map(parameterOf) };
  });
}

function isPlainFunction(value: unknown): boolean {
  return typeof value === 'function' && !/^class\b/.test(String(value));
}

function bodyOf(entry: string, owner: string): string {
  const head = `declare (?:abstract )?class ${owner}(?: extends (\\w+))? `;
  const [, base, body] =
    new RegExp(`${head}\\{([\\s\\S]*?)^\\}`, 'm').exec(declarations(entry)) ?? [];
  if (body === undefined) throw new Error(`no declaration of ${owner} is found`);
  if (base === undefined) return body;
  return bodyOf(entry, base).replace(/^ {4}constructor[^;]*;/m, '') + body;
}

/** The shapes of objects that users give or get, by the names that an entry exports. */
export function interfacesOf(entry: string): string[] {
  const text = declarations(entry);
  const lists = readFileSync(DIST + (modulesOf(entry)[0] ?? '').replace(/\.js$/, '.d.ts'), 'utf8');
  const names = [...lists.matchAll(/^export [^;]*\{([^}]*)\}/gm)].flatMap(([, list = '']) =>
    (list.match(/\w+/g) ?? []).filter((name) => name !== 'type'),
  );
  return names.filter((name) => new RegExp(`interface ${name}\\b`).test(text));
}

/** What a class has that is not for its users, and properties that are no methods. */
export function otherMembersOf(entry: string, owner: string): string[] {
  const members = bodyOf(entry, owner).matchAll(
    /^ {4}(?:private|protected|get|set)(?: readonly)? (\w+)/gm,
  );
  return [...members].map(([, name = '']) => name);
}

/** The public methods of a class, its constructor with them. */
export function methodsOf(entry: string, owner: string): Callable[] {
  const body = bodyOf(entry, owner);
  const methods = [...body.matchAll(/^ {4}(\w+)(?:<[^;]*?>(?=\())?\(([^;]*?)\)(?:: |;)/gm)];
  return methods.map(([, name = '', inside = '']) => {
    return { owner, name, parameters: parts(inside).map(parameterOf) };
  });
}

/** The fields of an interface, those that it extends with them; null: there is none such. */
export function fieldsOf(entry: string, name: string): Parameter[] | null {
  const found = new RegExp(`interface ${name}(?: extends (\\w+))? \\{([\\s\\S]*?)^\\}`, 'm').exec(
    declarations(entry),
  );
  if (found === null) return null;
  const [, base, body = ''] = found;
  const inherited = base === undefined ? [] : (fieldsOf(entry, base) ?? []);
  return [...inherited, ...[...body.matchAll(/^ {4}(readonly [^;]+);/gm)].map(fieldOf)];
}

function fieldOf([, text = '']: RegExpMatchArray): Parameter {
  return parameterOf(text);
}
