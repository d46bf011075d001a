/** A scenario's own words: undone with the rest, seen by no check for races. */
import { InvariantError } from '../../core/base/errors.js';
import type { Machine } from './machine.js';

export class Ghosts {
  private readonly machine: Machine;
  private readonly count: number;

  constructor(machine: Machine, count: number) {
    this.machine = machine;
    this.count = count;
  }

  get(index: number): number {
    this.mustBeUsable(index);
    this.machine.looks.readGhost(index);
    return this.machine.state.getGhost(index);
  }

  set(index: number, value: number): void {
    this.mustBeUsable(index);
    this.machine.looks.writeGhost(index);
    this.machine.state.setGhost(index, value);
  }

  private mustBeUsable(index: number): void {
    if (this.machine.isInOperation()) {
      const cause = 'it is run again for each of its accesses; note it in onReturn';
      throw new InvariantError('X5', `an operation uses a ghost word: ${cause}`);
    }
    if (Number.isInteger(index) && index >= 0 && index < this.count) return;
    const found = `ghost word ${String(index)} is none of the scenario's ${this.count}`;
    throw new InvariantError('X5', `${found}; ghostWords says how many`);
  }
}
