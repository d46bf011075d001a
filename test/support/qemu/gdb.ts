/**
 * A debugger's side of the GDB remote protocol, as far as these tests need it: the registers that
 * the machine describes, read and written by name.
 */
import type { Socket } from 'node:net';

interface Register {
  readonly number: number;
  readonly bytes: number;
}

export class Gdb {
  private readonly socket: Socket;
  private readonly littleEndian: boolean;
  private readonly registers = new Map<string, Register>();
  private readonly waiting: ((packet: string) => void)[] = [];
  private received = '';

  private constructor(socket: Socket, littleEndian: boolean) {
    this.socket = socket;
    this.littleEndian = littleEndian;
    socket.setEncoding('latin1').on('data', (text: string) => this.take(text));
    socket.on('error', () => {});
    // A machine that ends answers nothing more: an answer that no number can be.
    socket.on('close', () => {
      for (const answer of this.waiting.splice(0)) answer('E the machine has ended');
    });
  }

  static async over(socket: Socket, littleEndian: boolean): Promise<Gdb> {
    const gdb = new Gdb(socket, littleEndian);
    await gdb.ask('qSupported:xmlRegisters=all');
    await gdb.learn('target.xml', 0);
    return gdb;
  }

  private take(text: string): void {
    this.received += text;
    for (;;) {
      const found = /^[^$]*\$([^#]*)#../s.exec(this.received);
      if (found === null) return;
      this.received = this.received.slice(found[0].length);
      this.socket.write('+');
      this.waiting.shift()?.(found[1] as string);
    }
  }

  private ask(packet: string): Promise<string> {
    let sum = 0;
    for (const byte of Buffer.from(packet, 'latin1')) sum = (sum + byte) & 0xff;
    return new Promise((resolve) => {
      this.waiting.push(resolve);
      this.socket.write(`$${packet}#${sum.toString(16).padStart(2, '0')}`);
    });
  }

  /** Learns the registers of a file of descriptions; returns the next one's number. */
  private async learn(file: string, first: number): Promise<number> {
    let text = '';
    for (let isLast = false; !isLast; ) {
      const at = text.length.toString(16);
      const part = await this.ask(`qXfer:features:read:${file}:${at},7f0`);
      if (!/^[lm]/.test(part)) throw new Error(`${file} can not be read: ${part}`);
      isLast = part.startsWith('l');
      text += part.slice(1);
    }
    let number = first;
    const shown = text.replaceAll(/<!--.*?-->/gs, '');
    for (const [, name, attributes = ''] of shown.matchAll(/<(xi:include|reg)\s([^>]*)>/g)) {
      const of = (key: string): string | undefined =>
        new RegExp(`\\b${key}="([^"]*)"`).exec(attributes)?.[1];
      if (name === 'xi:include') {
        number = await this.learn(of('href') ?? '', number);
        continue;
      }
      number = Number(of('regnum') ?? number);
      this.registers.set(of('name') ?? '', { number, bytes: Number(of('bitsize')) / 8 });
      number++;
    }
    return number;
  }

  private register(name: string): Register {
    const register = this.registers.get(name);
    if (register !== undefined) return register;
    throw new Error(`no register ${name}; there are: ${[...this.registers.keys()].join(' ')}`);
  }

  async write(name: string, value: bigint): Promise<void> {
    const { number, bytes } = this.register(name);
    const buffer = Buffer.from(value.toString(16).padStart(2 * bytes, '0'), 'hex');
    if (this.littleEndian) buffer.reverse();
    const answer = await this.ask(`P${number.toString(16)}=${buffer.toString('hex')}`);
    if (answer !== 'OK') throw new Error(`${name} can not be written: ${answer}`);
  }

  async read(name: string): Promise<bigint> {
    const answer = await this.ask(`p${this.register(name).number.toString(16)}`);
    if (!/^([\da-f]{2})+$/.test(answer)) throw new Error(`${name} can not be read: ${answer}`);
    const buffer = Buffer.from(answer, 'hex');
    if (this.littleEndian) buffer.reverse();
    return BigInt(`0x${buffer.toString('hex')}`);
  }
}
