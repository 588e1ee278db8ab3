/** Names under which Nest hands out what is not a class of ours. */
export const CLOCK = Symbol('CLOCK');
export const SETTINGS = Symbol('SETTINGS');
export const LOGGER = Symbol('LOGGER');
/** `pg.Pool` of the runtime role. */
export const POOL = Symbol('POOL');
/** TypeORM `DataSource` of the runtime role, with the entities of every capability. */
export const DATA_SOURCE = Symbol('DATA_SOURCE');
/** `Metrics` */
export const METRICS = Symbol('METRICS');
/** `Queues` */
export const QUEUES = Symbol('QUEUES');
