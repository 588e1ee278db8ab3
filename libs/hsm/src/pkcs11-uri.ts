/**
 * Names of tokens and keys: RFC 7512 URIs, in the part of them that says *what*, never *where* or *how*.
 *
 * A slot number changes when a token is initialised or another is plugged in, a module path would let a
 * name choose the code that runs, and a PIN in a name ends in every log: all three are refused.
 */
import { Fault } from '#core/fault';
import { toUtf8 } from '#core/octets';

export interface Pkcs11Uri {
  readonly token?: string;
  readonly manufacturer?: string;
  readonly model?: string;
  readonly serial?: string;
  readonly object?: string;
  /** CKA_ID. */
  readonly id?: Uint8Array;
}

const TEXTS = ['token', 'manufacturer', 'model', 'serial', 'object'] as const;
type Text = (typeof TEXTS)[number];

const REFUSED: Readonly<Record<string, string>> = {
  'slot-id': 'slots change their numbers: name the token by its label',
  'slot-description': 'name the token by its label, not by its slot',
  'slot-manufacturer': 'name the token by its label, not by its slot',
  'library-manufacturer': 'the library is chosen by the settings',
  'library-description': 'the library is chosen by the settings',
  'library-version': 'the library is chosen by the settings',
};

function malformed(message: string): Fault {
  return new Fault('malformed', 'hsm/uri', message);
}

function percentDecode(text: string): Uint8Array {
  const bytes: number[] = [];
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x25) {
      const digits = text.slice(at + 1, at + 3);
      if (!/^[0-9A-Fa-f]{2}$/.test(digits))
        throw malformed('two hexadecimal digits belong after each % of a PKCS#11 URI');
      bytes.push(Number.parseInt(digits, 16));
      at += 2;
    } else {
      if (code <= 0x20 || code >= 0x7f)
        throw malformed('percent-encode everything but ASCII in a PKCS#11 URI');
      bytes.push(code);
    }
  }
  return Uint8Array.from(bytes);
}

/** Labels are UTF-8: octets that are not would all read as the same replacement character, and so as one label. */
function textOf(value: Uint8Array): string {
  try {
    return toUtf8(value);
  } catch {
    throw malformed('the percent-encoded octets of a PKCS#11 URI are not UTF-8');
  }
}

/** @throws {Fault} hsm/uri */
export function parsePkcs11Uri(text: string): Pkcs11Uri {
  if (!text.startsWith('pkcs11:')) throw malformed('a PKCS#11 URI begins with pkcs11:');
  if (text.includes('?')) {
    throw malformed(
      'leave out everything after ? of a PKCS#11 URI: PIN source and library belong into the settings',
    );
  }
  const found: { -readonly [Name in keyof Pkcs11Uri]: Pkcs11Uri[Name] } = {};
  const body = text.slice('pkcs11:'.length);
  const seen = new Set<string>();
  for (const part of body === '' ? [] : body.split(';')) {
    const equals = part.indexOf('=');
    const name = part.slice(0, equals < 0 ? part.length : equals);
    const refusal = REFUSED[name];
    if (refusal !== undefined) throw malformed(`${name} is not accepted in a PKCS#11 URI: ${refusal}`);
    if (equals < 0 || seen.has(name)) throw malformed('write each part of a PKCS#11 URI once, as name=value');
    seen.add(name);
    const value = percentDecode(part.slice(equals + 1));
    if (name === 'id') found.id = value;
    else if (name === 'type') {
      // Every key here is asked for by the name of its private half.
      if (!['private', 'public'].includes(Buffer.from(value).toString()))
        throw malformed('type of a key is private or public');
    } else if ((TEXTS as readonly string[]).includes(name)) found[name as Text] = textOf(value);
    else
      throw malformed('unknown part in a PKCS#11 URI: use token, object, id, manufacturer, model or serial');
  }
  return found;
}

/** RFC 7512 pk11-pchar without the characters that other readers stumble over. */
function percentEncode(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) {
    const char = String.fromCharCode(byte);
    text += /[A-Za-z0-9._~-]/.test(char) ? char : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return text;
}

export function formatPkcs11Uri(uri: Pkcs11Uri): string {
  const parts: string[] = [];
  for (const name of TEXTS) {
    const value = uri[name];
    if (value !== undefined) parts.push(`${name}=${percentEncode(Buffer.from(value, 'utf8'))}`);
  }
  // Binary, so every octet is escaped, as RFC 7512 §2.3 asks.
  if (uri.id !== undefined)
    parts.push(
      `id=${Array.from(uri.id, (byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('')}`,
    );
  return `pkcs11:${parts.join(';')}`;
}

/** Whether a token that says `actual` of itself is the one that `wanted` names. */
export function namesToken(wanted: Pkcs11Uri, actual: Pkcs11Uri): boolean {
  return (['token', 'manufacturer', 'model', 'serial'] as const).every(
    (name) => wanted[name] === undefined || wanted[name] === actual[name],
  );
}
