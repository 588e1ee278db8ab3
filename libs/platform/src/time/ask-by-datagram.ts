/** One question, one answer, over UDP: whatever comes from elsewhere, or answers something else, is waited out. */
import { createSocket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { Fault, isFault } from '#core/fault';

const PATIENCE_MS = 2000;

export interface DatagramQuestion<A> {
  readonly host: string;
  readonly port: number;
  /** Made as late as can be: the clock is read beside it. */
  readonly ask: () => Uint8Array;
  /** @throws {Fault} unverified for what is no answer to this question: another is waited for */
  readonly read: (packet: Uint8Array) => A;
}

/** @throws {Fault} time/no-answer, time/unknown-host, or what `read` says */
export async function askByDatagram<A>({ host, port, ask, read }: DatagramQuestion<A>): Promise<A> {
  const { address, family } = await resolve(host);
  return await new Promise<A>((resolve, reject) => {
    // Connected: the kernel drops what comes from any other address or port, and tells of a port that is shut.
    const socket = createSocket(family === 6 ? 'udp6' : 'udp4');
    let done = false;
    const end = (act: () => void): void => {
      if (done) return;
      done = true;
      clearTimeout(timer);
      socket.close();
      act();
    };
    const unheard = (cause?: unknown): void =>
      end(() =>
        reject(new Fault('unavailable', 'time/no-answer', `${host} port ${port} does not answer`, { cause })),
      );
    const timer = setTimeout(unheard, PATIENCE_MS);
    socket.on('error', unheard);
    socket.on('message', (packet) => {
      let answer: A;
      try {
        answer = read(packet);
      } catch (error) {
        if (isFault(error) && error.kind === 'unverified') return;
        end(() => reject(error as Error));
        return;
      }
      end(() => resolve(answer));
    });
    // Not handed to `connect`, which would call it with the error where there is no way to the address.
    socket.once('connect', () => {
      if (!done) socket.send(ask());
    });
    socket.connect(port, address);
  });
}

async function resolve(host: string): Promise<{ address: string; family: number }> {
  const family = isIP(host);
  if (family !== 0) return { address: host, family };
  try {
    return await lookup(host);
  } catch (cause) {
    throw new Fault('unavailable', 'time/unknown-host', `the name ${host} does not resolve`, { cause });
  }
}
