/** Everything that was acknowledged, held against everything that is served, stored and signed. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Connection, requestBytes } from '../../load/connections.mjs';
import { readRecords } from './acknowledgements.mjs';
import { Certificates } from './prove-certificates.mjs';
import { EntriesV1, EntriesV2 } from './prove-entries.mjs';
import { Stored } from './prove-stored.mjs';

export class Prover {
  #site;
  /** How far the files of each client have been read. @type {Map<string, number>} */
  #read = new Map();
  #v1;
  #v2;
  #certificates;
  #stored;

  /** @param {import('../../load/site.mjs').Site} site @param {string} runtimeDir */
  constructor(site, runtimeDir) {
    this.#site = site;
    this.#v1 = new EntriesV1(site);
    this.#v2 = new EntriesV2(site);
    this.#certificates = new Certificates(site);
    this.#stored = new Stored(site, runtimeDir);
  }

  /**
   * Reads what was acknowledged since the last time, and checks each by itself.
   *
   * @param {string} directory where the client writes
   * @returns {Record<string, number>} how many of each kind
   */
  take(directory) {
    const path = join(directory, 'acknowledgements.jsonl');
    if (!existsSync(path)) return {};
    const { records, next } = readRecords(path, this.#read.get(path) ?? 0);
    this.#read.set(path, next);
    /** @type {Record<string, number>} */
    const counts = {};
    for (const record of records) {
      counts[record.kind] = (counts[record.kind] ?? 0) + 1;
      if (record.kind.startsWith('v1')) this.#v1.take(record);
      else if (record.kind.startsWith('v2')) this.#v2.take(record);
      else if (record.kind === 'certificate') this.#certificates.take(record);
      else this.#stored.take(record);
    }
    return counts;
  }

  /**
   * Proves what was taken since the last time; with `all`, everything from the beginning.
   *
   * @param {{ all?: boolean, whole?: boolean }} [how] whole: the load is over and everything was restarted, so nothing may be uncovered
   */
  async prove({ all = false, whole = false } = {}) {
    /** @type {Map<string, Connection>} */
    const connections = new Map();
    const get = async (/** @type {URL} */ url) => {
      let connection = connections.get(url.host);
      if (connection?.usable !== true) {
        connection = await Connection.open(url, this.#site.ca);
        connections.set(url.host, connection);
      }
      const { status, body } = await connection.ask(requestBytes('GET', url, {}));
      if (status !== 200)
        throw new Error(
          `${url.pathname}${url.search} was answered ${status}: ${body.toString('utf8', 0, 200)}`,
        );
      return body;
    };
    try {
      return {
        v1: await this.#v1.prove(get, all),
        v2: await this.#v2.prove(get, all),
        certificates: await this.#certificates.prove(get, all),
        stored: await this.#stored.prove(whole),
      };
    } finally {
      for (const connection of connections.values()) connection.close();
    }
  }
}
