/** A change in one line, as reports and the list of those that make no difference name it. */
export function labelOf({ file, within, operator, text, replacement }) {
  const module = file.replace(/^core\//, '').replace(/\.js$/, '');
  return `${module} ${within} ${operator} ${oneLine(text)} -> ${oneLine(replacement)}`;
}

/** The code alone: comments are no part of a change. */
export function oneLine(text) {
  return text.replace(/\/\/[^\n]*\n/g, '').replace(/\s+/g, ' ');
}
