/** What the kernel of this namespace has counted: packets that found no route, and packets sent outside. */
import { readFileSync } from 'node:fs';

function pairs(text, prefix) {
  const [names = '', values = ''] = text.split('\n').filter((line) => line.startsWith(`${prefix}: `));
  const list = values.split(' ').slice(1).map(Number);
  return new Map(
    names
      .split(' ')
      .slice(1)
      .map((name, at) => [name, list[at] ?? 0]),
  );
}

/** @returns {{withoutRoute4: number, withoutRoute6: number, outside: number}} */
export function counters() {
  const v4 = pairs(readFileSync('/proc/net/snmp', 'utf8'), 'Ip');
  let v6 = '';
  try {
    v6 = readFileSync('/proc/net/snmp6', 'utf8');
  } catch {
    // A kernel without IPv6 sends none.
  }
  const outside =
    /^\s*outside:(.*)$/m.exec(readFileSync('/proc/net/dev', 'utf8'))?.[1]?.trim().split(/\s+/) ?? [];
  return {
    withoutRoute4: v4.get('OutNoRoutes') ?? 0,
    withoutRoute6: Number(/^Ip6OutNoRoutes\s+(\d+)/m.exec(v6)?.[1] ?? 0),
    // Sent, and not sent for want of room: both were meant to leave.
    outside: Number(outside[9] ?? 0) + Number(outside[11] ?? 0),
  };
}
