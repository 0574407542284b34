/**
 * Keeps the process while a command works: what it waits for may be a timer, and the timers of this house never do.
 * @returns a function that lets the process go
 */
export function keepProcess(): () => void {
  const { port1 } = new MessageChannel();
  port1.ref(); // an open port holds the loop, and costs nothing
  return () => port1.close();
}
