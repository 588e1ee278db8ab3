import { readFileSync } from 'node:fs';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { Fault } from '#core/fault';

/** Adds the TLS authorities in `file` to those of the system, for every client in this process. */
export function trustAuthorities(file: string): void {
  let pem: string;
  try {
    pem = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new Fault('absent', 'cli/no-ca-file', `cannot read the TLS authorities in ${file}; see --ca-file`, {
      cause,
    });
  }
  setDefaultCACertificates([...getCACertificates('default'), pem]);
}
