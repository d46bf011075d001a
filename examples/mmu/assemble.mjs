/** An assembler for the instructions that the CPU has. */

/** Registers by their names in the calling convention. */
export const REGISTER = {
  ...{ zero: 0, t0: 5, t1: 6, t2: 7, t3: 28 },
  ...{ a0: 10, a1: 11, a2: 12, a3: 13, a4: 14 },
};

/** Bits 14 to 12 (funct3) and 6 to 0 (opcode), which tell these instructions apart. */
export const OP = {
  ...{ LD: 0x3003, SD: 0x3023, ADDI: 0x0013, ADD: 0x0033 },
  ...{ AMOADD_W: 0x202f, BNE: 0x1063, ECALL: 0x0073 },
};

/** Where in an instruction the registers are. */
const rd = (name) => REGISTER[name] << 7;
const rs1 = (name) => REGISTER[name] << 15;
const rs2 = (name) => REGISTER[name] << 20;

/** The bits `high` to `low` of a number, at `place`. */
function bits(value, high, low, place) {
  return ((value >> low) & ((1 << (high - low + 1)) - 1)) << place;
}

function branch(offset) {
  const [sign, bit11] = [bits(offset, 12, 12, 31), bits(offset, 11, 11, 7)];
  return sign | bit11 | bits(offset, 10, 5, 25) | bits(offset, 4, 1, 8);
}

/** Operands in the order of assembly language. */
const ENCODE = {
  ld: (to, offset, base) => OP.LD | rd(to) | rs1(base) | (offset << 20),
  sd: (from, offset, base) =>
    OP.SD | rs2(from) | rs1(base) | bits(offset, 11, 5, 25) | bits(offset, 4, 0, 7),
  addi: (to, a, immediate) => OP.ADDI | rd(to) | rs1(a) | (immediate << 20),
  add: (to, a, b) => OP.ADD | rd(to) | rs1(a) | rs2(b),
  'amoadd.w': (to, from, base) => OP.AMOADD_W | rd(to) | rs1(base) | rs2(from),
  bne: (a, b, offset) => OP.BNE | rs1(a) | rs2(b) | branch(offset),
  ecall: () => OP.ECALL,
};

/** Words from lines: `label:`, or `name operand, operand …`; `#` begins a comment. */
export function assemble(text) {
  const labels = new Map();
  const lines = [];
  for (const line of text.split('\n')) {
    const code = line.replace(/#.*/, '').trim();
    if (code.endsWith(':')) labels.set(code.slice(0, -1), lines.length);
    else if (code !== '') lines.push(code.match(/[\w.-]+/g));
  }
  return lines.map(([name, ...operands], index) => {
    const values = operands.map((operand) => {
      if (labels.has(operand)) return (labels.get(operand) - index) * 4;
      return Object.hasOwn(REGISTER, operand) ? operand : Number(operand);
    });
    return ENCODE[name](...values) | 0;
  });
}
