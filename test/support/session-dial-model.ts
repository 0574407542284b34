import type { Direction } from '../../src/session/index.js';
import {
  type Contender,
  type DialStage,
  decideDial,
  isUnsure,
  mayGreet,
} from '../../src/session/simultaneous-dial.js';

/** How a node of the model decides: by the rule, or first come first served after Hello (geth) or after Status (reth). */
export type Manner = 'rule' | 'rule-without-doubt' | 'geth' | 'reth';

type Side = 0 | 1;
/** Connection 0 is dialed by node 0, connection 1 by node 1. */
type Line = 0 | 1;

/** none → dialing → hello → status → active; over is final. */
type End = 'none' | 'dialing' | 'hello' | 'status' | 'waiting' | 'unsure' | 'active' | 'over';
type Word = 'auth' | 'ack' | 'hello' | 'status' | 'ping' | 'pong' | 'bye';

interface World {
  /** By node, then by line. */
  readonly ends: End[][];
  /** By line, then by the node that it goes to: what is on its way. */
  readonly wires: Word[][][];
  readonly wanted: boolean[];
}

const SIDES = [0, 1] as const;
const LINES = [0, 1] as const;
const other = (side: Side): Side => (side === 0 ? 1 : 0);

export interface Verdict {
  /** Every way that the race can end: `active/active over/over`, by line. */
  readonly outcomes: ReadonlySet<string>;
  readonly states: number;
}

/**
 * Walks every order in which two nodes that dial each other can see what happens: each dial may begin at any time, each
 * word may arrive at any time, words of one connection keep their order.
 */
export function everyRace(manners: readonly [Manner, Manner]): Verdict {
  const seen = new Set<string>();
  const outcomes = new Set<string>();
  const start: World = {
    ends: [
      ['none', 'none'],
      ['none', 'none'],
    ],
    wires: [
      [[], []],
      [[], []],
    ],
    wanted: [true, true],
  };
  const open: World[] = [start];
  for (;;) {
    const world = open.pop();
    if (world === undefined) break;
    const key = JSON.stringify(world);
    if (seen.has(key)) continue;
    seen.add(key);
    const followers = steps(world, manners);
    if (followers.length === 0) {
      outcomes.add(LINES.map((line) => SIDES.map((side) => world.ends[side]?.[line]).join('/')).join(' '));
    }
    open.push(...followers);
  }
  return { outcomes, states: seen.size };
}

function steps(world: World, manners: readonly [Manner, Manner]): World[] {
  const followers: World[] = [];
  for (const side of SIDES) {
    if (world.wanted[side] === true) {
      const next = new Node(world, side, manners[side]);
      next.dial();
      followers.push(next.world);
    }
    for (const line of LINES) {
      if ((world.wires[line]?.[side]?.length ?? 0) === 0) continue;
      const next = new Node(world, side, manners[side]);
      next.hear(line);
      followers.push(next.world);
    }
  }
  return followers;
}

/** One node of a copy of the world, about to take one step. Node 0 has the smaller id. */
class Node {
  readonly world: World;
  readonly #side: Side;
  readonly #manner: Manner;

  constructor(world: World, side: Side, manner: Manner) {
    this.world = structuredClone(world);
    this.#side = side;
    this.#manner = manner;
  }

  dial(): void {
    this.world.wanted[this.#side] = false;
    const line: Line = this.#side;
    // nobody dials a peer that it knows to be there
    if (LINES.some((one) => !['none', 'over'].includes(this.#at(one)))) return;
    this.#to(line, 'dialing');
    this.#say(line, 'auth');
  }

  hear(line: Line): void {
    const word = this.#wire(line, this.#side).shift();
    if (word !== undefined && this.#at(line) !== 'over') this.#take(line, word);
  }

  #take(line: Line, word: Word): void {
    switch (word) {
      case 'auth':
      case 'ack':
        if (!this.#mayGreet(line)) this.#turnAway(line);
        else {
          if (word === 'auth') this.#say(line, 'ack');
          this.#say(line, 'hello');
          this.#to(line, 'hello');
        }
        break;
      case 'hello':
        // geth takes the connection among its peers here
        if (this.#manner === 'geth' && this.#hasPeer(line)) this.#turnAway(line);
        else {
          this.#say(line, 'status');
          this.#to(line, this.#manner === 'geth' ? 'unsure' : 'status');
        }
        break;
      case 'status':
        if (this.#manner === 'geth') this.#to(line, 'active');
        else if (this.#manner !== 'reth') this.#settle(line);
        else if (this.#hasPeer(line)) this.#turnAway(line);
        else this.#to(line, 'active');
        break;
      case 'ping':
        this.#say(line, 'pong');
        break;
      case 'pong':
        this.#becomeSure(line);
        break;
      case 'bye':
        this.#over(line);
    }
  }

  #becomeSure(line: Line): void {
    if (this.#at(line) !== 'unsure') return;
    this.#to(line, 'active');
    for (const rival of LINES) if (rival !== line && this.#isMet(rival)) this.#turnAway(rival);
  }

  #mayGreet(line: Line): boolean {
    if (this.#manner === 'reth') return true;
    if (this.#manner === 'geth') return !this.#hasPeer(line);
    return mayGreet(this.#rivals(line));
  }

  #hasPeer(line: Line): boolean {
    return LINES.some((rival) => rival !== line && ['unsure', 'active'].includes(this.#at(rival)));
  }

  #settle(line: Line): void {
    const first: Direction = this.#side === 0 ? 'outbound' : 'inbound';
    const decision = decideDial({ direction: this.#direction(line) }, first, this.#rivals(line));
    if (decision === 'yield') this.#turnAway(line);
    else if (decision === 'wait') this.#to(line, 'waiting');
    else this.#activate(line);
  }

  #activate(line: Line): void {
    const rivals = LINES.filter((rival) => rival !== line && this.#isMet(rival));
    if (!isUnsure(this.#rivals(line))) this.#to(line, 'active');
    else if (this.#manner === 'rule') {
      this.#to(line, 'unsure');
      this.#say(line, 'ping');
    } else {
      this.#to(line, 'active'); // what happens without the doubt
      for (const rival of rivals) this.#turnAway(rival);
    }
  }

  #over(line: Line): void {
    this.#to(line, 'over');
    for (const rival of LINES) if (rival !== line && this.#at(rival) === 'waiting') this.#settle(rival);
  }

  #turnAway(line: Line): void {
    this.#say(line, 'bye');
    this.#over(line);
  }

  #rivals(line: Line): Contender[] {
    return LINES.filter((rival) => rival !== line).flatMap((rival) => {
      const stage = STAGES[this.#at(rival)];
      return stage === undefined ? [] : [{ direction: this.#direction(rival), stage }];
    });
  }

  #isMet(line: Line): boolean {
    return ['dialing', 'hello', 'status', 'waiting'].includes(this.#at(line));
  }

  #direction(line: Line): Direction {
    return line === this.#side ? 'outbound' : 'inbound';
  }

  #at(line: Line): End {
    return this.world.ends[this.#side]?.[line] ?? 'none';
  }

  #to(line: Line, end: End): void {
    const ends = this.world.ends[this.#side];
    if (ends !== undefined) ends[line] = end;
  }

  #say(line: Line, word: Word): void {
    this.#wire(line, other(this.#side)).push(word);
  }

  #wire(line: Line, to: Side): Word[] {
    return this.world.wires[line]?.[to] ?? [];
  }
}

const STAGES: Readonly<Record<End, DialStage | undefined>> = {
  none: undefined,
  dialing: 'meeting',
  hello: 'meeting',
  status: 'meeting',
  waiting: 'verified',
  unsure: 'unsure',
  active: 'sure',
  over: undefined,
};
