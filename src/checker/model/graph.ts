/** Which state leads to which, by a step of which thread: what a search of states has met. */

/** One step, by its number. */
export type StepNumber = number;

export class Graph {
  readonly threads: number;
  /** Of each state: threads that can make a step, and threads that have ended, as bits. */
  readonly enabled: number[] = [];
  readonly ended: number[] = [];
  /** Of each step: from which state to which, by which thread, and whose operations returned. */
  readonly from: number[] = [];
  readonly to: number[] = [];
  readonly by: number[] = [];
  readonly returned: number[] = [];
  /** The steps from each state are those from its own number to the next state's. */
  private starts: Int32Array | null = null;
  private ordered: Int32Array = new Int32Array(0);

  constructor(threads: number) {
    this.threads = threads;
  }

  get states(): number {
    return this.enabled.length;
  }

  addState(state: number, enabled: number, ended: number): void {
    this.enabled[state] = enabled;
    this.ended[state] = ended;
  }

  addStep(from: number, to: number, thread: number, returned: number): void {
    this.from.push(from);
    this.to.push(to);
    this.by.push(thread);
    this.returned.push(returned);
  }

  /** The steps from a state, of those that were added when this was first asked. */
  stepsFrom(state: number): Int32Array {
    const starts = this.starts ?? this.order();
    return this.ordered.subarray(starts[state] as number, starts[state + 1] as number);
  }

  private order(): Int32Array {
    const starts = new Int32Array(this.states + 1);
    for (const from of this.from) starts[from + 1] = (starts[from + 1] as number) + 1;
    for (let state = 0; state < this.states; state++) {
      starts[state + 1] = (starts[state + 1] as number) + (starts[state] as number);
    }
    this.ordered = new Int32Array(this.from.length);
    const free = starts.slice();
    this.from.forEach((from, step) => {
      const at = free[from] as number;
      this.ordered[at] = step;
      free[from] = at + 1;
    });
    this.starts = starts;
    return starts;
  }

  /**
   * The shortest way from a state to one that is wanted, by steps that may be taken; null: there is
   * none.
   */
  way(
    begin: number,
    isWanted: (state: number) => boolean,
    mayTake: (step: StepNumber) => boolean = () => true,
  ): StepNumber[] | null {
    const by = new Map<number, StepNumber>([[begin, -1]]);
    const queue = [begin];
    for (let at = 0; at < queue.length; at++) {
      const state = queue[at] as number;
      if (isWanted(state)) return this.wayBack(by, state);
      for (const step of this.stepsFrom(state)) {
        const to = this.to[step] as number;
        if (by.has(to) || !mayTake(step)) continue;
        by.set(to, step);
        queue.push(to);
      }
    }
    return null;
  }

  private wayBack(by: ReadonlyMap<number, StepNumber>, end: number): StepNumber[] {
    const way: StepNumber[] = [];
    for (
      let step = by.get(end) as number;
      step >= 0;
      step = by.get(this.from[step] as number) ?? -1
    ) {
      way.push(step);
    }
    return way.reverse();
  }

  /**
   * Marks the states from which one that is wanted can be reached.
   */
  reaching(isWanted: (state: number) => boolean): Uint8Array {
    const marks = new Uint8Array(this.states);
    for (let state = 0; state < this.states; state++) if (isWanted(state)) marks[state] = 1;
    // Most steps lead to states with higher numbers, which are seen to first.
    for (let changed = true; changed; ) {
      changed = false;
      for (let state = this.states - 1; state >= 0; state--) {
        if (marks[state] !== 0) continue;
        if (this.stepsFrom(state).every((step) => marks[this.to[step] as number] === 0)) continue;
        marks[state] = 1;
        changed = true;
      }
    }
    return marks;
  }

  /**
   * For each state the number of its component: states of one reach each other by steps that may be
   * taken. A component that others lead into has a lower number than they have. -1: not to be
   * looked at. (Tarjan, "Depth-first search and linear graph algorithms", 1972.)
   */
  components(
    isLookedAt: (state: number) => boolean,
    mayTake: (step: StepNumber) => boolean,
  ): Int32Array {
    const { states } = this;
    const component = new Int32Array(states).fill(-1);
    const order = new Int32Array(states);
    const low = new Int32Array(states);
    const nextStep = new Int32Array(states);
    const open: number[] = [];
    const path: number[] = [];
    let [count, components] = [0, 0];
    const begin = (state: number): void => {
      order[state] = low[state] = ++count;
      open.push(state);
      path.push(state);
    };
    const close = (state: number): void => {
      path.pop();
      const above = path.at(-1);
      if (above !== undefined) low[above] = Math.min(low[above] as number, low[state] as number);
      if (low[state] !== order[state]) return;
      for (let member = -1; member !== state; ) {
        member = open.pop() as number;
        component[member] = components;
      }
      components++;
    };
    for (let root = 0; root < states; root++) {
      if (order[root] !== 0 || !isLookedAt(root)) continue;
      begin(root);
      while (path.length > 0) {
        const state = path.at(-1) as number;
        const steps = this.stepsFrom(state);
        const step = steps[nextStep[state] as number];
        nextStep[state] = (nextStep[state] as number) + 1;
        if (step === undefined) close(state);
        else {
          const to = this.to[step] as number;
          if (!isLookedAt(to) || !mayTake(step)) continue;
          if (order[to] === 0) begin(to);
          else if (component[to] === -1)
            low[state] = Math.min(low[state] as number, order[to] as number);
        }
      }
    }
    return component;
  }
}
