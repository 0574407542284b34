/** IP addresses as bytes: 4 for IPv4, 16 for IPv6. An IPv4 address mapped into IPv6 (`::ffff:a.b.c.d`) is the IPv4 one. */

const MAPPED_PREFIX_BYTES = 12;

/** @returns 4 or 16 bytes; undefined where `text` is no IP address. A zone (`%eth0`) is not part of the address and refused. */
export function parseIp(text: string): Uint8Array | undefined {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text);
}

/** @returns the address in its usual form; IPv6 as RFC 5952 writes it, without brackets. @param ip 4 or 16 bytes */
export function formatIp(ip: Uint8Array): string {
  if (ip.length === 4) return ip.join('.');
  const groups: number[] = [];
  for (let i = 0; i < 16; i += 2) groups.push(((ip[i] ?? 0) << 8) | (ip[i + 1] ?? 0));
  const gap = longestZeroRun(groups);
  const words = (from: number, to: number): string =>
    groups
      .slice(from, to)
      .map((group) => group.toString(16))
      .join(':');
  return gap === undefined ? words(0, 8) : `${words(0, gap.from)}::${words(gap.to, 8)}`;
}

/** 127.0.0.0/8 and ::1. */
export function isLoopback(ip: Uint8Array): boolean {
  if (ip.length === 4) return ip[0] === 127;
  return ip.every((byte, i) => byte === (i === 15 ? 1 : 0));
}

/** This machine and its neighbours: loopback, private (RFC 1918, RFC 4193), link-local; the same networks as geth's. */
export function isLan(ip: Uint8Array): boolean {
  const [first = 0, second = 0] = ip;
  if (isLoopback(ip)) return true;
  if (ip.length === 16) return (first & 0xfe) === 0xfc || (first === 0xfe && (second & 0xc0) === 0x80);
  if (first === 0 || first === 10) return true;
  return (first === 172 && (second & 0xf0) === 16) || (first === 192 && second === 168);
}

/** 0.0.0.0 and `::`: every address of this machine, when one listens; nobody's, when one dials. */
export function isUnspecified(ip: Uint8Array): boolean {
  return ip.every((byte) => byte === 0);
}

function parseIpv4(text: string): Uint8Array | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  const ip = new Uint8Array(4);
  for (const [i, part] of parts.entries()) {
    // no leading zeros: some resolvers read 010 as octal, so one text would be two addresses
    if (!/^(0|[1-9][0-9]{0,2})$/.test(part) || Number(part) > 255) return undefined;
    ip[i] = Number(part);
  }
  return ip;
}

function parseIpv6(text: string): Uint8Array | undefined {
  if (text.length > 45) return undefined; // the longest form: six groups and a dotted IPv4 tail
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const head = parseGroups(halves[0] ?? '', halves.length === 1);
  const tail = halves.length === 2 ? parseGroups(halves[1] ?? '', true) : [];
  if (head === undefined || tail === undefined) return undefined;
  const given = head.length + tail.length;
  if (halves.length === 1 ? given !== 16 : given > 14) return undefined; // `::` stands for one group at least
  const ip = new Uint8Array(16);
  ip.set(head, 0);
  ip.set(tail, 16 - tail.length);
  return unmapped(ip);
}

/** @param last whether the text ends here, so that a dotted IPv4 tail may stand in the last place */
function parseGroups(text: string, last: boolean): number[] | undefined {
  if (text === '') return [];
  const bytes: number[] = [];
  const groups = text.split(':');
  for (const [i, group] of groups.entries()) {
    if (last && i === groups.length - 1 && group.includes('.')) {
      const ipv4 = parseIpv4(group);
      if (ipv4 === undefined) return undefined;
      bytes.push(...ipv4);
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return undefined;
      const value = Number.parseInt(group, 16);
      bytes.push(value >> 8, value & 255);
    }
  }
  return bytes;
}

function unmapped(ip: Uint8Array): Uint8Array {
  for (let i = 0; i < MAPPED_PREFIX_BYTES; i++) if (ip[i] !== (i < 10 ? 0 : 255)) return ip;
  return ip.slice(MAPPED_PREFIX_BYTES);
}

function longestZeroRun(groups: readonly number[]): { from: number; to: number } | undefined {
  let best: { from: number; to: number } | undefined;
  let from = 0;
  for (let i = 0; i <= groups.length; i++) {
    if (groups[i] === 0) continue;
    if (i - from >= 2 && (best === undefined || i - from > best.to - best.from)) best = { from, to: i };
    from = i + 1;
  }
  return best;
}
