export { formatPem, parsePem, type PemBlock } from './pem.js';
