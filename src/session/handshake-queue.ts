import PQueue from 'p-queue';
import type { HandshakeJob, HandshakeTurns } from '../rlpx/index.js';
import type { Clock } from '../runtime/index.js';

/** Each holds a message of 2 KiB at most, and what one read brought behind it: 66 KiB. */
const MAX_WAITING = 256;

/**
 * The curve work of all handshakes of a node, 0.2 to 10 ms each by the back end: one in each turn of the loop, so that
 * established sessions are served between any two. Where there are some, even a piece of one in each: a turn costs 10 µs, and
 * without pieces the p99 of a request beside strangers who come and go was a fifth longer. What has begun is ended first. Our own
 * dials follow, then strangers by their addresses in turn, so that a flood from one delays itself. Where it is full, whoever has
 * the most waiting loses the newest.
 */
export class HandshakeQueue implements HandshakeTurns {
  readonly #clock: Clock;
  readonly #max: number;
  readonly #serves: () => boolean;
  readonly #turns = new PQueue({ concurrency: 1 });
  readonly #own: HandshakeJob[] = [];
  /**
   * By address, in the order in which their turns come. 256 at most, so an array: a Map that is filled and emptied all the time
   * keeps what it held alive until the next collection of everything (`openSockets` says why).
   */
  readonly #strangers: Line[] = [];
  #waiting = 0;
  #serving = false;
  #dropped = 0;
  /** A piece of it is done. */
  #begun: HandshakeJob | undefined;
  /** Its next turn is planned, where nobody else waits. */
  #goingOn = false;
  /** One has run in this turn of the loop. */
  #worked = false;
  readonly #turnOver = (): void => {
    this.#worked = false;
    if (this.#begun !== undefined || this.#waiting > 0) this.#planNext();
  };
  readonly #next = (): void => {
    this.#goingOn = false;
    const job = this.#begun;
    this.#begun = undefined;
    try {
      job?.run();
    } finally {
      if (this.#begun !== undefined) this.#planNext();
      else if (this.#waiting > 0) this.#startServing();
    }
  };

  /** @param serves whether there are established sessions @param max how many may wait */
  constructor(clock: Clock, serves: () => boolean, max: number = MAX_WAITING) {
    this.#clock = clock;
    this.#serves = serves;
    this.#max = max;
  }

  get inPieces(): boolean {
    return this.#serves();
  }

  /** Gauge: how many wait. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Counter: how many were dropped, since there were too many. */
  get dropped(): number {
    return this.#dropped;
  }

  enter(job: HandshakeJob): 'now' | 'later' | 'never' {
    if (this.#waiting === 0 && !this.#worked && this.#begun === undefined && !this.#goingOn) {
      this.#worked = true;
      this.#clock.soon(this.#turnOver);
      return 'now';
    }
    if (this.#waiting >= this.#max && !this.#makeRoom(job)) {
      this.#dropped++;
      return 'never';
    }
    this.#append(job);
    this.#waiting++;
    if (!this.#goingOn && this.#begun === undefined) this.#startServing();
    return 'later';
  }

  goOn(job: HandshakeJob): void {
    this.#begun = job;
    // what is planned while the first piece runs would come before others are looked at
    if (!this.#worked) this.#planNext();
  }

  leave(job: HandshakeJob): void {
    if (this.#begun === job) this.#begun = undefined;
    const line = job.ours ? undefined : this.#lineOf(job);
    const jobs = job.ours ? this.#own : (line?.jobs ?? []);
    const at = jobs.indexOf(job);
    if (at < 0) return;
    jobs.splice(at, 1);
    this.#waiting--;
    if (line !== undefined && jobs.length === 0) this.#strangers.splice(this.#strangers.indexOf(line), 1);
  }

  #planNext(): void {
    if (this.#serving || this.#goingOn) return;
    this.#goingOn = true;
    this.#clock.soon(this.#next);
  }

  /** One task for all that wait together: one for each costs 30 µs more. */
  #startServing(): void {
    if (this.#serving) return;
    this.#serving = true;
    void this.#turns.add(() => this.#serve());
  }

  /** A piece in each turn, until none waits. What a job throws is thrown in the loop, as if the socket had called it. */
  #serve(): Promise<void> {
    return new Promise((done) => {
      const turn = (): void => {
        const job = this.#begun ?? this.#take();
        this.#begun = undefined;
        try {
          job?.run();
        } finally {
          if (this.#begun !== undefined || this.#waiting > 0) this.#clock.soon(turn);
          else {
            this.#serving = false;
            done();
          }
        }
      };
      this.#clock.soon(turn);
    });
  }

  #take(): HandshakeJob | undefined {
    const own = this.#own.shift();
    if (own !== undefined) {
      this.#waiting--;
      return own;
    }
    const line = this.#strangers.shift();
    const job = line?.jobs.shift();
    if (line === undefined || job === undefined) return undefined;
    if (line.jobs.length > 0) this.#strangers.push(line); // behind all others
    this.#waiting--;
    return job;
  }

  /** @returns false where it is the newcomer's own address that has the most */
  #makeRoom(newcomer: HandshakeJob): boolean {
    let most: Line | undefined;
    for (const line of this.#strangers) if (line.jobs.length > (most?.jobs.length ?? 0)) most = line;
    const last = most?.jobs.at(-1);
    if (most === undefined || last === undefined) return false; // all are our own dials
    if (!newcomer.ours && (this.#lineOf(newcomer)?.jobs.length ?? 0) + 1 >= most.jobs.length) return false;
    this.leave(last);
    this.#dropped++;
    last.dropped();
    return true;
  }

  #append(job: HandshakeJob): void {
    if (job.ours) {
      this.#own.push(job);
      return;
    }
    const line = this.#lineOf(job);
    if (line === undefined) this.#strangers.push({ group: groupOf(job.from), jobs: [job] });
    else line.jobs.push(job);
  }

  #lineOf(job: HandshakeJob): Line | undefined {
    const group = groupOf(job.from);
    return this.#strangers.find((line) => line.group === group);
  }
}

/** Those of one group who wait: never empty. */
interface Line {
  readonly group: string;
  readonly jobs: HandshakeJob[];
}

/** Who shares one turn: an IPv4 address, or the /64 of an IPv6 address, which is what one customer has. */
function groupOf(host: string): string {
  if (!host.includes(':')) return host;
  const [head = '', tail] = host.split('::');
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    const behind = tail === '' ? 0 : tail.split(':').length;
    while (groups.length + behind < 8) groups.push('0');
  }
  return groups.slice(0, 4).join(':');
}
