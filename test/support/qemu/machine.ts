/**
 * A machine of QEMU that has been started and stands still: the debugger writes its registers, and
 * its monitor translates addresses as the processor would, by QEMU's own walk of page tables.
 *
 * QEMU is the one that connects, to sockets that are there already: nobody waits for a file.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Gdb } from './gdb.js';

/** Bytes at a physical address. */
export interface Load {
  readonly address: number;
  readonly bytes: Uint8Array;
}

export interface MachineOptions {
  readonly program: string;
  /** Which machine, which processor, how much memory. */
  readonly flags: readonly string[];
  readonly littleEndian: boolean;
  readonly memory: readonly Load[];
}

export class QemuMachine {
  private readonly child: ChildProcess;
  private readonly folder: string;
  private readonly monitor: Monitor;
  readonly gdb: Gdb;

  private constructor(child: ChildProcess, folder: string, monitor: Monitor, gdb: Gdb) {
    this.child = child;
    this.folder = folder;
    this.monitor = monitor;
    this.gdb = gdb;
  }

  static async start(options: MachineOptions): Promise<QemuMachine> {
    const folder = mkdtempSync(join(tmpdir(), 'ptfrag-qemu-'));
    const names = ['monitor', 'gdb'].map((name) => join(folder, name));
    const [monitorAt, gdbAt] = await Promise.all(names.map(listen));
    const [monitorPath, gdbPath] = names;
    const loads = options.memory.flatMap(({ address, bytes }, i) => {
      const file = join(folder, `memory-${i}`);
      writeFileSync(file, bytes);
      return ['-device', `loader,file=${file},addr=0x${address.toString(16)},force-raw=on`];
    });
    const still = ['-S', '-nodefaults', '-display', 'none', '-serial', 'none', '-accel', 'tcg'];
    const sockets = [
      ...['-chardev', `socket,id=monitor,path=${monitorPath}`, '-mon', 'monitor,mode=control'],
      ...['-chardev', `socket,id=gdb,path=${gdbPath}`, '-gdb', 'chardev:gdb'],
    ];
    const log = ['-d', 'guest_errors', '-D', join(folder, 'log')];
    const flags = [...options.flags, ...still, ...sockets, ...log, ...loads];
    const child = spawn(options.program, flags, { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    const ended = new Promise<never>((_, reject) => {
      child.once('error', reject);
      child.once('exit', () => reject(new Error(`${options.program} ended: ${said}`)));
    });
    // Whoever waits for it is told; afterwards nobody is left to be.
    ended.catch(() => {});
    const connected = Promise.all([monitorAt?.socket, gdbAt?.socket]);
    const [monitorSocket, gdbSocket] = await Promise.race([connected, ended]);
    monitorAt?.server.close();
    gdbAt?.server.close();
    const monitor = await Promise.race([Monitor.over(monitorSocket as Socket), ended]);
    const gdb = await Promise.race([Gdb.over(gdbSocket as Socket, options.littleEndian), ended]);
    return new QemuMachine(child, folder, monitor, gdb);
  }

  /** The physical address that the processor finds in its page tables; null: nothing is mapped. */
  async translate(va: bigint): Promise<bigint | null> {
    const said = await this.monitor.command(`gva2gpa 0x${va.toString(16)}`);
    if (/^Unmapped/.test(said)) return null;
    const found = /^gpa: (0x[\da-f]+|0)\s*$/.exec(said)?.[1];
    if (found === undefined) throw new Error(`gva2gpa said: ${said}`);
    return BigInt(found);
  }

  /** What the guest got wrong, in QEMU's words. */
  complaints(): string {
    return readFileSync(join(this.folder, 'log'), 'utf8');
  }

  async stop(): Promise<void> {
    const ended = new Promise((resolve) => this.child.once('exit', resolve));
    if (this.child.exitCode === null) {
      this.child.kill('SIGKILL');
      await ended;
    }
    rmSync(this.folder, { recursive: true });
  }
}

interface Listening {
  readonly server: Server;
  readonly socket: Promise<Socket>;
}

async function listen(path: string): Promise<Listening> {
  const server = createServer();
  const socket = new Promise<Socket>((resolve) => server.once('connection', resolve));
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return { server, socket };
}

/** QEMU's monitor, over its machine protocol: a line of JSON for a line of JSON. */
class Monitor {
  private readonly socket: Socket;
  private readonly waiting: ((answer: Answer) => void)[] = [];
  private received = '';

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding('utf8').on('data', (text: string) => this.take(text));
    socket.on('error', () => {});
    socket.on('close', () => {
      const error = { desc: 'the machine has ended' };
      for (const answer of this.waiting.splice(0)) answer({ error });
    });
  }

  static async over(socket: Socket): Promise<Monitor> {
    const monitor = new Monitor(socket);
    await monitor.ask({ execute: 'qmp_capabilities' });
    return monitor;
  }

  private take(text: string): void {
    const lines = (this.received + text).split('\n');
    this.received = lines.pop() ?? '';
    for (const line of lines) {
      const answer = JSON.parse(line) as Answer;
      // Greetings and events have neither.
      if ('return' in answer || 'error' in answer) this.waiting.shift()?.(answer);
    }
  }

  private async ask(request: object): Promise<unknown> {
    const answer = await new Promise<Answer>((resolve) => {
      this.waiting.push(resolve);
      this.socket.write(`${JSON.stringify(request)}\n`);
    });
    if (answer.error !== undefined) throw new Error(answer.error.desc);
    return answer.return;
  }

  async command(line: string): Promise<string> {
    const request = {
      execute: 'human-monitor-command',
      arguments: { 'command-line': line },
    };
    return String(await this.ask(request));
  }
}

interface Answer {
  readonly return?: unknown;
  readonly error?: { readonly desc: string };
}
