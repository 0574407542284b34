/** Whether the contents of a block are there; undefined where nobody could say. */
export type Probe = (number: bigint) => Promise<boolean | undefined>;

/**
 * The first block from which on contents are there, down from the head: what is missing is missing at the lower end, as
 * pruning leaves it. Begins with what was true last time, so that mostly two questions are enough.
 * @returns undefined where a question was not answered; the head where not even its contents are there
 */
export async function findEarliest(probe: Probe, head: bigint, before: bigint): Promise<bigint | undefined> {
  if (head === 0n) return 0n; // the genesis is known without asking
  const atHead = await probe(head);
  if (atHead === undefined) return undefined;
  if (!atHead) return head;
  const known = before > head ? head : before;
  const there = known <= 1n ? await probe(1n) : known === head ? true : await probe(known);
  if (there === undefined) return undefined;
  if (known <= 1n) return there ? 0n : search(probe, 1n, head);
  if (!there) return search(probe, known, head);
  const below = await probe(known - 1n);
  if (below === undefined) return undefined;
  if (!below) return known;
  const first = await probe(1n);
  if (first === undefined) return undefined;
  return first ? 0n : search(probe, 1n, known - 1n);
}

/** @param missing a block whose contents are not there @param there one above it whose contents are */
async function search(probe: Probe, missing: bigint, there: bigint): Promise<bigint | undefined> {
  let [low, high] = [missing, there];
  while (high - low > 1n) {
    const middle = (low + high) / 2n;
    const answer = await probe(middle);
    if (answer === undefined) return undefined;
    if (answer) high = middle;
    else low = middle;
  }
  return high;
}
