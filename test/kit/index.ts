export { asSuperuser, freshDatabase, freshToken, redisSocket } from './kit.js';
export type { FreshDatabase, TokenSettings } from './kit.js';
