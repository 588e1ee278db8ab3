import { EntitySchema } from 'typeorm';

/** A signed version of an online role, as it was published. */
export interface SignedVersion {
  readonly role: 'snapshot' | 'timestamp';
  readonly version: number;
  readonly expiresAt: Date;
  readonly recordedAt: Date;
  readonly body: Buffer;
}

export const SignedVersionEntity = new EntitySchema<SignedVersion>({
  name: 'TufSignedVersion',
  tableName: 'tuf_signed_version',
  columns: {
    role: { type: 'text', primary: true },
    version: { type: 'integer', primary: true },
    expiresAt: { name: 'expires_at', type: 'timestamptz' },
    recordedAt: { name: 'recorded_at', type: 'timestamptz', createDate: true },
    body: { type: 'bytea' },
  },
});
