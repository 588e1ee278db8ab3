/** How the two faces of the log spell and sign their checkpoints (CONTRACTS §3.7, §4.4). */
import { parsePublicKey, type PublicKey } from '#core/crypto';
import { Fault } from '#core/fault';
import {
  formatCheckpoint,
  keyHint,
  logVerifier,
  logVerifierV1,
  parseCheckpoint,
  parseNote,
  signNote,
  v1LogId,
  v2LogId,
  verifyNote,
  type NoteVerifier,
} from '#core/note';
import { equalOctets, fromUtf8 } from '#core/octets';
import type { HeadSigner } from '#hsm';
import type { CheckpointFormat } from '#tree';

function verifierOf(face: 'v1' | 'v2', name: string, key: PublicKey): NoteVerifier {
  return face === 'v1' ? logVerifierV1(name, key) : logVerifier(name, key);
}

/** Whether a note is the signed checkpoint of a head; names as in `noteFormat`. */
export function noteChecker(
  face: 'v1' | 'v2',
  name: string,
  origin: string,
  spki: Uint8Array,
): CheckpointFormat['verify'] {
  const verifier = verifierOf(face, name, parsePublicKey(spki));
  return (note, head) => {
    const parsed = parseNote(note);
    verifyNote(parsed, [verifier]);
    const checkpoint = parseCheckpoint(parsed.text);
    if (
      checkpoint.origin !== origin ||
      checkpoint.size !== head.size ||
      !equalOctets(checkpoint.root, head.root)
    ) {
      throw new Fault(
        'unverified',
        'log/other-checkpoint',
        'the checkpoint is of another log or another tree',
      );
    }
  };
}

/**
 * @param name of the key in the signature line: the host name of the log, in both faces
 * @param origin `<host> - <tree id>` in v1, the name itself in v2
 */
export function noteFormat(
  face: 'v1' | 'v2',
  name: string,
  origin: string,
  signer: HeadSigner,
): CheckpointFormat {
  const key = parsePublicKey(signer.spki);
  const hint = keyHint(face === 'v1' ? v1LogId(key) : v2LogId(name, key));
  return {
    memory: signer,
    async sign({ size, root }) {
      const text = formatCheckpoint({ origin, size, root });
      return signNote(text, name, hint, await signer.sign(fromUtf8(text)));
    },
    verify: noteChecker(face, name, origin, signer.spki),
  };
}
