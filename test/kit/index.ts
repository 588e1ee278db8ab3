export { asSuperuser, freshDatabase, freshToken, redisSocket } from './kit.js';
export type { FreshDatabase, TokenSettings } from './kit.js';
export { airseal, installation } from './installation.js';
export type { CommandResult, Installation } from './installation.js';
