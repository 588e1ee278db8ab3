/** A process that commits an audit event, says so, and then waits to be killed; with one more that is not committed. */
import { randomUUID } from 'node:crypto';
import pg from 'pg';

/** @param {string} reason */
const event = (reason) => [randomUUID(), Buffer.from(JSON.stringify({ reason }))];
const insert = 'INSERT INTO audit_outbox (uid, body) VALUES ($1, $2)';
const client = new pg.Client();
await client.connect();
await client.query('BEGIN');
await client.query(insert, event('committed by the dead'));
await client.query('COMMIT');
await client.query('BEGIN');
await client.query(insert, event('never committed'));
process.stdout.write('committed\n');
setInterval(() => undefined, 1000);
