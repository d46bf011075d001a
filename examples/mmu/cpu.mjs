/**
 * A CPU: seven instructions of RV64I and RV64A, interpreted. A register is two 32-bit halves, since
 * BigInt would allocate; an address is a number, which is exact up to 2^53.
 */
import { PROT } from 'ptfrag/pgtable';
import { OP, REGISTER } from './assemble.mjs';
import { PAGE } from './machine.mjs';
import { FAULT, Port } from './port.mjs';

/** Why a CPU stopped. NOT: it goes on. */
export const STOP = { NOT: 0, BRANCH: 1, FAULT: 2, CALL: 3 };

const OP_MASK = 0x707f;

export class Cpu {
  constructor(ram, find, keep) {
    this.ram = ram;
    this.code = new Port(find, keep);
    this.data = new Port(find, keep);
    /** Register n: low half at 2n, high half at 2n + 1. */
    this.x = new Int32Array(64);
    this.pc = 0;
    /** After STOP.FAULT: the address, and what of PROT the access needs. */
    this.faultAt = 0;
    this.faultNeeds = 0;
    this.instructions = 0;
    /** Of these, how many stored: plainly, and atomically. */
    this.stores = 0;
    this.atomics = 0;
  }

  set(name, value) {
    this.x[2 * REGISTER[name]] = value;
    this.x[2 * REGISTER[name] + 1] = Math.floor(value / 2 ** 32);
  }

  get(name) {
    const low = BigInt(this.x[2 * REGISTER[name]] >>> 0);
    return (BigInt(this.x[2 * REGISTER[name] + 1]) << 32n) | low;
  }

  /** Runs up to `blocks` basic blocks. Context: inside a read section, entered for this call. */
  run(blocks) {
    this.code.forget();
    this.data.forget();
    for (let block = 0; block < blocks; block++) {
      const stop = this.runBlock();
      if (stop !== STOP.BRANCH) return stop;
    }
    return STOP.BRANCH;
  }

  /** Up to a branch, or to the end of the page. */
  runBlock() {
    let word = this.code.wordAt(this.pc, PROT.exec);
    if (word === FAULT) return this.fault(this.pc, PROT.exec);
    do {
      const stop = this.step(this.ram[word++]);
      if (stop !== STOP.NOT) return stop;
    } while ((this.pc & (PAGE - 1)) !== 0);
    return STOP.BRANCH;
  }

  /** One instruction. One that faults has changed nothing, and can be done again. */
  step(code) {
    const { x } = this;
    const a = ((code >>> 15) & 31) * 2;
    const b = ((code >>> 20) & 31) * 2;
    const rd = ((code >>> 7) & 31) * 2;
    let stop = STOP.NOT;
    let length = 4;
    switch (code & OP_MASK) {
      case OP.ADDI:
        this.add(rd, a, code >> 20, code >> 31);
        break;
      case OP.ADD:
        if (code >>> 25 !== 0) throw this.illegal(code);
        this.add(rd, a, x[b], x[b + 1]);
        break;
      case OP.LD:
        stop = this.load(rd, addressFrom(x, a, code >> 20));
        break;
      case OP.SD:
        stop = this.store(b, addressFrom(x, a, ((code >> 20) & ~31) | ((code >>> 7) & 31)));
        break;
      case OP.AMOADD_W:
        if (code >>> 27 !== 0) throw this.illegal(code);
        stop = this.addToMemory(rd, b, addressFrom(x, a, 0));
        break;
      case OP.BNE:
        if (x[a] !== x[b] || x[a + 1] !== x[b + 1]) length = branchOffset(code);
        stop = STOP.BRANCH;
        break;
      case OP.ECALL:
        stop = STOP.CALL;
        break;
      default:
        throw this.illegal(code);
    }
    if (stop === STOP.FAULT) return stop;
    x[0] = 0;
    x[1] = 0;
    this.pc += length;
    this.instructions++;
    return stop;
  }

  add(rd, a, low, high) {
    const { x } = this;
    const sum = (x[a] + low) | 0;
    x[rd + 1] = x[a + 1] + high + (sum >>> 0 < low >>> 0 ? 1 : 0);
    x[rd] = sum;
  }

  load(rd, address) {
    const word = this.data.wordAt(address, PROT.read);
    if (word === FAULT) return this.fault(address, PROT.read);
    this.x[rd] = this.ram[word];
    this.x[rd + 1] = this.ram[word + 1];
    return STOP.NOT;
  }

  store(from, address) {
    const word = this.data.wordAt(address, PROT.write);
    if (word === FAULT) return this.fault(address, PROT.write);
    this.ram[word] = this.x[from];
    this.ram[word + 1] = this.x[from + 1];
    this.stores++;
    return STOP.NOT;
  }

  addToMemory(rd, from, address) {
    const word = this.data.wordAt(address, PROT.write);
    if (word === FAULT) return this.fault(address, PROT.write);
    const before = Atomics.add(this.ram, word, this.x[from]);
    this.x[rd] = before;
    this.x[rd + 1] = before >> 31;
    this.atomics++;
    return STOP.NOT;
  }

  fault(address, needs) {
    this.faultAt = address;
    this.faultNeeds = needs;
    return STOP.FAULT;
  }

  illegal(code) {
    const word = (code >>> 0).toString(16);
    return new Error(`illegal instruction 0x${word} at 0x${this.pc.toString(16)}`);
  }
}

function addressFrom(x, register, offset) {
  return x[register + 1] * 2 ** 32 + (x[register] >>> 0) + offset;
}

function branchOffset(code) {
  const low = ((code >>> 7) & 0x1e) | ((code >>> 20) & 0x7e0);
  return ((code >> 31) << 12) | ((code & 0x80) << 4) | low;
}
