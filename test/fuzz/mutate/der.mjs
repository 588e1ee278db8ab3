/**
 * DER changed as DER: the tree is cut apart, one place of it is changed, and every length around it is written
 * anew, so that the change reaches the reader of the innermost structure. Now and then a length lies on purpose.
 */
import { changeOctets, joined } from './octets.mjs';

const TAGS = [
  0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0a, 0x0c, 0x13, 0x16, 0x17, 0x18, 0x30, 0x31, 0x80, 0x81, 0x82, 0x86,
  0xa0, 0xa1, 0xa3, 0x1f, 0x24,
];
const TIMES = [
  '20260101000000Z',
  '00000101000000Z',
  '99991231235959Z',
  '20260230000000Z',
  '20261332256199Z',
  '500101000000Z',
  '491231235959Z',
  '2026010100000Z',
  '20260101000000.5Z',
  '20260101000000+0100',
];

function header(bytes, at, end) {
  let from = at + 2;
  let length = bytes[at + 1];
  if ((bytes[at] & 0x1f) === 0x1f || length === undefined) return undefined;
  if (length >= 0x80) {
    const count = length & 0x7f;
    if (count === 0 || count > 3) return undefined;
    length = 0;
    for (let left = count; left > 0; left--) length = length * 256 + (bytes[from++] ?? 0);
  }
  return from + length > end ? undefined : { from, to: from + length };
}

/** Nodes of [at, end), or `undefined` where these octets are no DER. */
function nodes(bytes, at, end, depth) {
  const list = [];
  while (at < end) {
    const found = header(bytes, at, end);
    if (found === undefined) return undefined;
    const content = bytes.subarray(found.from, found.to);
    // Octet and bit strings often hold DER again: extensions, keys, signatures.
    const hidden = bytes[at] === 0x04 ? 0 : bytes[at] === 0x03 ? 1 : undefined;
    const inner =
      (bytes[at] & 0x20) !== 0 ? 0 : hidden !== undefined && content.length > hidden + 1 ? hidden : undefined;
    const children =
      inner === undefined || depth > 24 ? undefined : nodes(bytes, found.from + inner, found.to, depth + 1);
    list.push({
      tag: bytes[at],
      content,
      lead: children === undefined || inner === 0 ? undefined : content.subarray(0, 1),
      children: children?.length === 0 ? undefined : children,
    });
    at = found.to;
  }
  return list;
}

function lengthOctets(length) {
  if (length < 0x80) return [length];
  const octets = [];
  for (let left = length; left > 0; left = Math.floor(left / 256)) octets.unshift(left % 256);
  return [0x80 | octets.length, ...octets];
}

function written(node) {
  const content =
    node.children === undefined
      ? node.content
      : joined(...(node.lead === undefined ? [] : [node.lead]), ...node.children.map(written));
  return joined(
    Uint8Array.from([node.tag, ...(node.length?.(content.length) ?? lengthOctets(content.length))]),
    content,
  );
}

function every(list, found = []) {
  for (const node of list) {
    found.push({ node, list });
    if (node.children !== undefined) every(node.children, found);
  }
  return found;
}

const text = (some) => new TextEncoder().encode(some);

const WAYS = [
  function tag({ node }, chance) {
    node.tag = chance.once(3) ? node.tag ^ (1 << chance.below(8)) : chance.of(TAGS);
  },
  function content({ node }, chance, others) {
    node.content = changeOctets(
      node.children === undefined ? node.content : written(node).subarray(2),
      chance,
      others,
    );
    node.children = undefined;
  },
  function leaf({ node }, chance) {
    const edge = chance.below(6);
    node.children = undefined;
    node.content =
      edge === 0
        ? new Uint8Array()
        : edge === 1
          ? Uint8Array.of(0)
          : edge === 2
            ? Uint8Array.of(0, 0x80, ...chance.octets(chance.length(20)))
            : edge === 3
              ? new Uint8Array(chance.of([1, 2, 9, 20, 21, 128, 2049, 2050, 5000])).fill(
                  chance.of([0, 0x7f, 0x80, 0xff]),
                )
              : edge === 4
                ? text(chance.of(TIMES))
                : Uint8Array.from({ length: 1 + chance.below(24) }, () =>
                    chance.of([0x80, 0x81, 0xff, 0x7f, 0x2a, 0x55, 0x00]),
                  );
  },
  function remove({ node, list }) {
    list.splice(list.indexOf(node), 1);
  },
  function twice({ node, list }, chance) {
    for (let left = 1 + chance.length(40); left > 0; left--) list.splice(list.indexOf(node), 0, { ...node });
  },
  function exchange({ node, list }, chance) {
    const other = chance.of(list);
    [list[list.indexOf(node)], list[list.indexOf(other)]] = [other, node];
  },
  function graft({ node, list }, chance, others) {
    const from = nodes(chance.of(others), 0, Infinity, 0);
    const other = chance.of(others);
    const grown = from === undefined ? undefined : every(nodes(other, 0, other.length, 0) ?? []);
    if (grown !== undefined && grown.length > 0) list[list.indexOf(node)] = chance.of(grown).node;
  },
  function wrap({ node, list }, chance) {
    let inner = node;
    const tag = chance.of([0x30, 0x31, 0xa0, 0x04, 0x24]);
    for (let left = chance.once(8) ? 1 + chance.below(1500) : 1; left > 0; left--)
      inner = { tag, content: written(inner) };
    list[list.indexOf(node)] = inner;
  },
  function unwrap({ node, list }) {
    if (node.children !== undefined) list.splice(list.indexOf(node), 1, ...node.children);
  },
  function lie({ node }, chance) {
    const way = chance.below(6);
    node.length = (length) =>
      way === 0
        ? [0x80]
        : way === 1
          ? [0x81, length & 0xff]
          : way === 2
            ? [0x84, 0, 0, (length >> 8) & 0xff, length & 0xff]
            : way === 3
              ? [0x84, 0xff, 0xff, 0xff, 0xff]
              : way === 4
                ? lengthOctets(Math.max(0, length + chance.of([1, -1, 2, 127, 128])))
                : [0x88, 0, 0, 0, 0, 0, 0, 0, length & 0xff];
  },
];

/** One change inside the structure; octets that are no DER are changed as octets. */
export function changeDer(bytes, chance, others) {
  const tree = nodes(bytes, 0, bytes.length, 0);
  const places = tree === undefined ? [] : every(tree);
  if (places.length === 0 || chance.once(5)) return changeOctets(bytes, chance, others);
  chance.of(WAYS)(chance.of(places), chance, others);
  return joined(...tree.map(written));
}
