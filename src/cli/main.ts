#!/usr/bin/env node
/**
 * The command `ptfrag`. Only looks at Node's version, so that an old Node is told what is wrong
 * before it meets something it doesn't know, and at what nobody caught; run.ts has the commands.
 */
// What is thrown where no command can report it: Node would end with the code of a broken rule.
process.on('uncaughtException', (error) => {
  process.stderr.write(`ptfrag: ${error?.stack}\ncrashed: this is a mistake in ptfrag.\n`);
  process.exit(70);
});

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(`ptfrag needs Node 20.19 or newer; this is ${process.version}.\n`);
  process.exitCode = 2;
} else {
  const { main } = await import('./shell/run.js');
  process.exitCode = await main(process.argv.slice(2), process);
}

export {};
