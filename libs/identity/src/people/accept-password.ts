/**
 * Which passwords people may choose: long ones, and otherwise whatever they like (SP 800-63B-4 §3.1.1.2: fifteen
 * characters where the password is all there is, no rules about kinds of characters, no expiry).
 */
import { Fault } from '#core/fault';

export const SHORTEST_PASSWORD = 15;
export const LONGEST_PASSWORD = 256;
/** Fewer different characters than this is a pattern. */
const FEWEST_DIFFERENT = 6;

/** @throws {Fault} identity/password, with what to do about it */
export function acceptPassword(password: string, email: string): void {
  const characters = [...password.normalize('NFKC')];
  const refuse = (message: string): Fault => new Fault('refused', 'identity/password', message);
  if (characters.length < SHORTEST_PASSWORD) {
    throw refuse(`Use at least ${SHORTEST_PASSWORD} characters. A few words with spaces are fine.`);
  }
  if (characters.length > LONGEST_PASSWORD) throw refuse(`Use at most ${LONGEST_PASSWORD} characters.`);
  if (new Set(characters).size < FEWEST_DIFFERENT) throw refuse('Use more different characters.');
  if (password.toLowerCase().includes(email.toLowerCase())) {
    throw refuse('The password may not contain the e-mail address.');
  }
}
