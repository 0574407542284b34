import { formatEnode, isUnspecified, parseIp } from '../peers/index.js';
import type { TcpAddress } from '../runtime/index.js';

/**
 * Where others can dial what listens on `host`. A node that listens everywhere knows of one such place only: its own
 * machine. (Which of its addresses reaches others, discovery will tell it.)
 */
function dialableHost(host: string): string {
  const ip = parseIp(host);
  if (ip === undefined || !isUnspecified(ip)) return host;
  return ip.length === 4 ? '127.0.0.1' : '::1';
}

/** The URL under which others can dial who listens there. */
export function enodeAt(publicKey: Uint8Array, { host, port }: TcpAddress): string {
  return formatEnode({ publicKey, host: dialableHost(host), port, discoveryPort: port });
}
