/** The syntax tree of a built module, as far as mutants and coverage need it. */
import { parseSync } from 'oxc-parser';

export function treeOf(text) {
  const { program, errors } = parseSync('module.js', text, { preserveParens: false });
  if (errors.length > 0) throw new Error(`a built module does not parse: ${errors[0].message}`);
  return program;
}

export function childrenOf(node) {
  return Object.values(node)
    .flat()
    .filter((each) => typeof each === 'object' && typeof each?.type === 'string');
}

export const isFunction = ({ type }) => /Function/.test(type);

/** The name of a function, or of what holds one; null: it is none, or has no name. */
export function nameOf(node) {
  if (node.type === 'FunctionDeclaration') return node.id.name;
  if (node.type === 'MethodDefinition') return node.key.name;
  const value = node.type === 'Property' ? node.value : node.init;
  if (!isFunction(value ?? {})) return null;
  return node.type === 'Property' ? node.key.name : node.id.name;
}
