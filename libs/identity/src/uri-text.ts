/**
 * URIs as they go into certificates: claims are text from another party, and the reference CA spells them as
 * Go's net/url does, so a certificate of ours must carry the same spelling or verifiers' policies stop
 * matching. Rules: what is already a well-formed path or query stays byte for byte; otherwise characters that may
 * not stand there are percent-encoded as UTF-8; joined path segments are cleaned of `.`, `..` and doubled slashes.
 */
import { Fault } from '#core/fault';
import { fromUtf8, toUtf8 } from '#core/octets';

function notAUri(): Fault {
  return new Fault(
    'refused',
    'identity/not-a-uri',
    'the token names something that cannot be written as a URI',
  );
}

/** Go's `validEncoded` for paths and fragments: characters that may stand as they are. */
const KEPT = /^(?:[A-Za-z0-9\-_.~$&+,/:;=@!'()*[\]]|%[0-9A-Fa-f]{2})*$/;
const KEPT_FRAGMENT = /^(?:[A-Za-z0-9\-_.~$&+,/:;=@!'()*[\]?]|%[0-9A-Fa-f]{2})*$/;

function percent(bytes: Uint8Array, stays: RegExp): string {
  let text = '';
  for (const byte of bytes) {
    const character = String.fromCharCode(byte);
    text +=
      byte < 0x80 && stays.test(character)
        ? character
        : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return text;
}

function unescape(text: string): Uint8Array {
  const bytes = fromUtf8(text);
  const plain: number[] = [];
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at] ?? 0;
    if (byte !== 0x25) {
      plain.push(byte);
      continue;
    }
    const hex = toUtf8(bytes.subarray(at + 1, at + 3));
    if (!/^[0-9A-Fa-f]{2}$/.test(hex)) throw notAUri();
    plain.push(Number.parseInt(hex, 16));
    at += 2;
  }
  return Uint8Array.from(plain);
}

function escapePart(text: string, kept: RegExp, stays: RegExp): string {
  return kept.test(text) ? text : percent(unescape(text), stays);
}

/** @throws {Fault} identity/not-a-uri for control characters, bad escapes, or text without scheme */
export function uriText(text: string): string {
  // eslint-disable-next-line no-control-regex -- exactly the characters that Go's parser refuses
  if (/[\u0000-\u001f\u007f]/.test(text)) throw notAUri();
  const parts = /^([A-Za-z][A-Za-z0-9+\-.]*):(\/\/[^/?#]*)?([^?#]*)(\?[^#]*)?(#.*)?$/s.exec(text);
  if (parts === null) throw notAUri();
  const [, scheme = '', authority = '', path = '', query = '', fragment = ''] = parts;
  if (
    !/^[A-Za-z0-9\-._~%!$&'()*+,;=:@[\]/]*$/.test(authority) ||
    (authority !== '' && path !== '' && !path.startsWith('/'))
  ) {
    throw notAUri();
  }
  if (!/^[\x21-\x7e]*$/.test(query)) throw notAUri();
  return (
    `${scheme.toLowerCase()}:${authority}` +
    escapePart(path, KEPT, /[A-Za-z0-9\-_.~$&+,/:;=@]/) +
    query +
    (fragment === '' ? '' : `#${escapePart(fragment.slice(1), KEPT_FRAGMENT, /[A-Za-z0-9\-_.~$&+,/:;=@?]/)}`)
  );
}

/** `base` plus path segments, cleaned; `?` and `#` in a segment are part of the path and get encoded. */
export function joinUri(base: string, ...segments: readonly string[]): string {
  const joined: string[] = [];
  for (const part of segments.join('/').split('/')) {
    if (part === '..') joined.pop();
    else if (part !== '' && part !== '.') joined.push(part);
  }
  const slash = segments.at(-1)?.endsWith('/') === true && joined.length > 0 ? '/' : '';
  const path = `${joined.join('/')}${slash}`;
  // eslint-disable-next-line no-control-regex -- see uriText
  if (/[\u0000-\u001f\u007f]/.test(path)) throw notAUri();
  return uriText(base).replace(/\/+$/, '') + `/${escapePart(path, KEPT, /[A-Za-z0-9\-_.~$&+,/:;=@]/)}`;
}

/** Scheme and host name of a URI, as subject-domain rules compare them. */
export function schemeAndHost(text: string): { scheme: string; host: string } {
  const parts =
    /^([A-Za-z][A-Za-z0-9+\-.]*):(?:\/\/(?:[^/?#@]*@)?(\[[^\]]*\]|[^/?#:]*)(?::\d*)?(?:[/?#].*)?)?/s.exec(
      text,
    );
  return { scheme: (parts?.[1] ?? '').toLowerCase(), host: parts?.[2] ?? '' };
}
