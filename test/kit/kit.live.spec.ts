import { describe, expect, test } from '@jest/globals';
import { stat } from 'node:fs/promises';
import { connect } from 'node:net';
import pg from 'pg';
import { asSuperuser, freshDatabase, freshToken, redisSocket } from './index.js';

describe('the kit', () => {
  test('hands out an empty database in which the owner may create and the runtime role may not', async () => {
    const database = await freshDatabase();
    const connectAs = async (user: string): Promise<pg.Client> => {
      const client = new pg.Client({ host: database.host, port: database.port, database: database.name, user });
      await client.connect();
      return client;
    };
    const owner = await connectAs(database.ownerUser);
    const runtime = await connectAs(database.runtimeUser);
    await owner.query('CREATE TABLE leaf (n int)');
    await expect(runtime.query('SELECT * FROM leaf')).rejects.toThrow('permission denied');
    await expect(runtime.query('CREATE TABLE mine (n int)')).rejects.toThrow('permission denied');
    expect(await asSuperuser(database, 'SELECT count(*) FROM leaf')).toBe('0');
    await Promise.all([owner.end(), runtime.end()]);
    await database.drop();
  });

  test('hands out a token whose PIN only its owner may read', async () => {
    const token = await freshToken('kit-token');
    expect(token.uri).toBe('pkcs11:token=kit-token');
    expect((await stat(token.pinSource)).mode & 0o777).toBe(0o600);
  });

  test('has a Redis that answers', async () => {
    const answer = await new Promise<string>((resolve, reject) => {
      const connection = connect(redisSocket());
      connection.on('error', reject);
      connection.on('data', (bytes) => {
        resolve(bytes.toString());
        connection.destroy();
      });
      connection.write('PING\r\n');
    });
    expect(answer).toBe('+PONG\r\n');
  });
});
