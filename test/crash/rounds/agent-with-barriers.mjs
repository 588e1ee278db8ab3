/**
 * The built agent of a token, with one barrier: a line of the signing journal is durable, its signature is not made.
 *
 * Arguments: SOCKET of the test, the agent's own program, then what that is started with.
 */
import { pathToFileURL } from 'node:url';
import { barriers } from './barriers.mjs';

const [node = '', , control = '', main = '', ...rest] = process.argv;
const at = barriers(control, 'agent');
const { JournalFile } = await import(new URL('./journal-file.js', pathToFileURL(main)).href);
const { append } = JournalFile.prototype;
if (typeof append !== 'function') throw new Error('the journal is written by another method now');
JournalFile.prototype.append = async function (/** @type {unknown[]} */ ...words) {
  await append.apply(this, words);
  await at('journalled');
};
process.argv.splice(0, process.argv.length, node, main, ...rest);
await import(pathToFileURL(main).href);
