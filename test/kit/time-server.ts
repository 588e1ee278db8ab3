/**
 * A time server of a test's own on the loopback: honest, or as wrong as it is told to be. It answers with packets that it
 * writes itself, so that it shares no code with the client.
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';

export type Conduct =
  | 'honest'
  /** Its clock is not synchronised, and it says so. */
  | 'unsynchronised'
  /** It sends the client away: `kiss` says how. */
  | 'kiss'
  | 'silent'
  /** It answers with the packet that it sent last, to whatever request. */
  | 'replaying'
  /** It answers before it is asked, and then not at all. */
  | 'unsolicited'
  /** A forged answer first, then the honest one. */
  | 'outrun';

export class TimeServer {
  conduct: Conduct = 'honest';
  kiss = 'RATE';
  /** Its clock less the true one, in milliseconds. */
  offsetMs = 0;
  /** How long each answer is on its way, after it was dated: a path that is longer one way than the other. */
  delayMs = 0;
  requests = 0;
  readonly #socket: Socket;
  #last: Buffer | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('message', (request, from) => this.#answer(request, from));
  }

  static async open(): Promise<TimeServer> {
    const socket = createSocket('udp4');
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
    return new TimeServer(socket);
  }

  get port(): number {
    return this.#socket.address().port;
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.#socket.close(() => resolve()));
  }

  #answer(request: Buffer, from: RemoteInfo): void {
    this.requests += 1;
    const packets = this.#packets(request, this.#now());
    setTimeout(() => {
      for (const packet of packets) this.#socket.send(packet, from.port, from.address);
    }, this.delayMs);
  }

  #packets(request: Buffer, receivedMs: number): readonly Buffer[] {
    const honest = packetOf(request.subarray(40, 48), receivedMs, this.#now());
    switch (this.conduct) {
      case 'honest':
        this.#last = honest;
        return [honest];
      case 'silent':
        return [];
      case 'replaying':
        return [this.#last ?? honest];
      case 'unsolicited':
        return [packetOf(Buffer.alloc(8, 7), receivedMs, this.#now())];
      case 'outrun':
        return [packetOf(Buffer.alloc(8, 7), receivedMs - 9e6, this.#now() - 9e6), honest];
      case 'unsynchronised':
        honest[0] = 0xe4;
        return [honest];
      case 'kiss':
        honest[1] = 0;
        honest.write(this.kiss.padEnd(4, '\0'), 12, 'latin1');
        return [honest];
    }
  }

  #now(): number {
    return performance.timeOrigin + performance.now() + this.offsetMs;
  }
}

/** RFC 5905 figure 8, version 4, mode 4, stratum 1, from a clock that knows nanoseconds. */
function packetOf(origin: Buffer, receivedMs: number, transmittedMs: number): Buffer {
  const packet = Buffer.alloc(48);
  packet.set([0x24, 1, 6, 0xe2]);
  packet.write('GPS', 12, 'latin1');
  origin.copy(packet, 24);
  writeTimestamp(packet, 16, receivedMs - 4000);
  writeTimestamp(packet, 32, receivedMs);
  writeTimestamp(packet, 40, transmittedMs);
  return packet;
}

function writeTimestamp(packet: Buffer, at: number, ms: number): void {
  const seconds = Math.floor(ms / 1000);
  packet.writeUInt32BE((seconds + 2_208_988_800) % 2 ** 32, at);
  packet.writeUInt32BE(Math.floor((ms / 1000 - seconds) * 2 ** 32), at + 4);
}
