import { isUnspecified, parseIp } from '../peers/index.js';

/**
 * Where others can dial what listens on `host`. A node that listens everywhere knows of one such place only: its own
 * machine. (Which of its addresses reaches others, discovery will tell it.)
 */
export function dialableHost(host: string): string {
  const ip = parseIp(host);
  if (ip === undefined || !isUnspecified(ip)) return host;
  return ip.length === 4 ? '127.0.0.1' : '::1';
}
