export { HeldClock, systemClock, type Clock } from './clock.js';
