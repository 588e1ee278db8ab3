/**
 * Reads a repository with the models that sigstore's own clients use, before it is published: our writer
 * and our verifier share their author's mistakes, a second reader does not.
 */
import { Metadata, MetadataKind } from '@tufjs/models';
import { Fault } from '#core/fault';
import { toUtf8 } from '#core/octets';
import type { RepositoryFiles } from '#core/tuf';

type JSONObject = Parameters<typeof Metadata.fromJSON>[1];

/** @throws {Fault} tuf/second-reader when tuf-js would refuse the repository */
export function readAsClientsDo(files: RepositoryFiles): void {
  try {
    const read = (bytes: Uint8Array) => JSON.parse(toUtf8(bytes)) as JSONObject;
    const root = Metadata.fromJSON(MetadataKind.Root, read(files.root));
    const timestamp = Metadata.fromJSON(MetadataKind.Timestamp, read(files.timestamp));
    const snapshot = Metadata.fromJSON(MetadataKind.Snapshot, read(files.snapshot));
    root.verifyDelegate('root', root);
    root.verifyDelegate('timestamp', timestamp);
    timestamp.signed.snapshotMeta.verify(Buffer.from(files.snapshot));
    root.verifyDelegate('snapshot', snapshot);
    snapshot.signed.meta['targets.json']?.verify(Buffer.from(files.targets));
    root.verifyDelegate('targets', Metadata.fromJSON(MetadataKind.Targets, read(files.targets)));
  } catch (cause) {
    throw new Fault(
      'corrupt',
      'tuf/second-reader',
      'the second TUF reader refuses the repository that was about to be published; nothing was published',
      { cause },
    );
  }
}
