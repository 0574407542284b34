import type { OnReadOpts } from 'node:net';

/** As much as Node reads at once. */
const READ_BYTES = 65_536;

/**
 * Where all sockets that read by `onread` read into: what is handed over is good only until that call returns, so none ever
 * finds the bytes of another. Made when the first is needed.
 */
let shared: Uint8Array | undefined;

/**
 * Reads of one socket into memory that is there already. Node makes 64 KiB for each read else, and takes back what was not
 * needed. It offers this for sockets that dial, not for those that are accepted.
 */
export class Reads {
  /** Takes what was read; before there is one, nothing is read. */
  taker: ((chunk: Uint8Array) => void) | undefined;
  /** For `net.connect`. */
  readonly onread: OnReadOpts;

  constructor() {
    shared ??= new Uint8Array(READ_BYTES);
    const buffer = shared;
    this.onread = {
      buffer,
      callback: (bytes) => {
        this.taker?.(buffer.subarray(0, bytes));
        return true;
      },
    };
  }
}
