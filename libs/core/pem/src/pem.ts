/**
 * PEM: DER as text between two lines (RFC 7468).
 *
 * Formatting is strict: 64 columns, LF, a final newline. Parsing allows what clients send (CRLF, spaces at
 * line ends, a body in one long line as sigstore-java does it, prose between blocks) and nothing that could
 * hide a second meaning: a body must be canonical base64, the two labels must agree, and headers
 * (`Proc-Type:` of encrypted keys) are refused.
 */
import { Fault } from '#core/fault';
import { fromBase64, toBase64 } from '#core/octets';

export interface PemBlock {
  /** `CERTIFICATE`, `PUBLIC KEY` … */
  readonly label: string;
  readonly der: Uint8Array;
}

function malformed(message: string, cause?: unknown): Fault {
  return new Fault('malformed', 'pem/malformed', message, { cause });
}

/**
 * All blocks of `text`, in order; text outside of blocks is ignored (RFC 7468 §5.2).
 *
 * @throws {Fault} pem/malformed if there is no block, or one is not closed or not base64
 */
export function parsePem(text: string): PemBlock[] {
  const blocks: PemBlock[] = [];
  let label: string | undefined;
  let body = '';
  for (const line of text.split('\n')) {
    const trimmed = line.trim();
    const begin = /^-----BEGIN ([A-Z0-9 ]+)-----$/.exec(trimmed)?.[1];
    const end = /^-----END ([A-Z0-9 ]+)-----$/.exec(trimmed)?.[1];
    if (begin !== undefined) {
      if (label !== undefined) throw malformed(`a PEM block ${label} is not closed before the next begins`);
      [label, body] = [begin, ''];
    } else if (end !== undefined) {
      if (label !== end) throw malformed('the two lines around a PEM block name different things');
      blocks.push({ label, der: decode(body) });
      label = undefined;
    } else if (label !== undefined) {
      body += trimmed;
    }
  }
  if (label !== undefined) throw malformed(`a PEM block ${label} is not closed`);
  if (blocks.length === 0) throw malformed('expected text in PEM, beginning with -----BEGIN');
  return blocks;
}

function decode(body: string): Uint8Array {
  if (body === '') throw malformed('a PEM block is empty');
  try {
    return fromBase64(body);
  } catch (cause) {
    throw malformed('a PEM block holds something other than base64', cause);
  }
}

/** One block: 64 columns, LF, final newline. */
export function formatPem(label: string, der: Uint8Array): string {
  const lines = toBase64(der).match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.map((line) => `${line}\n`).join('')}-----END ${label}-----\n`;
}
