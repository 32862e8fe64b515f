import type { Socket } from "node:net";
import { createServer, type Server, type TLSSocket } from "node:tls";
import type { KeyPair } from "../../core/spec/tls-input";

const HANDSHAKE_MS = 30_000;

/**
 * Where connections shake hands before anybody reads them. It listens nowhere itself: TLS begins and ceases, and gets another
 * certificate, at a listener that stays. What is no handshake (HTTP in clear, say) is closed without an answer.
 */
export class TlsDoor {
  private readonly server: Server;
  /** By whom they are from: of a connection that is through, Node does not tell which one it was. */
  private readonly shaking = new Map<string, Socket>();

  constructor(
    private keyPair: KeyPair,
    /** Clients may speak HTTP/2 as well. */
    private http2: boolean,
    /** `wire`: what the bytes of `socket` go through. */
    onSecure: (socket: TLSSocket, wire: Socket) => void,
  ) {
    const { certificate: cert, privateKey: key } = keyPair;
    const options = {
      cert,
      key,
      // Asked at each handshake: what is offered may change while it serves. None in common: the client is told so.
      ALPNCallback: ({ protocols }: { protocols: string[] }) => this.spoken().find((name) => protocols.includes(name)),
      minVersion: "TLSv1.2",
      handshakeTimeout: HANDSHAKE_MS,
    } as const;
    this.server = createServer(options, (socket) => {
      const peer = peerOf(socket);
      const wire = this.shaking.get(peer);
      this.shaking.delete(peer);
      // Gone in the very moment in which it was through.
      if (wire === undefined) socket.destroy();
      else onSecure(socket, wire);
    });
    this.server.on("tlsClientError", (_error, socket) => socket.destroy());
  }

  /** Connections that are open go on; the next handshake gets this one. */
  change(keyPair: KeyPair, http2: boolean): void {
    this.http2 = http2;
    if (keyPair.certificate === this.keyPair.certificate && keyPair.privateKey === this.keyPair.privateKey) return;
    this.server.setSecureContext({ cert: keyPair.certificate, key: keyPair.privateKey, minVersion: "TLSv1.2" });
    this.keyPair = keyPair;
  }

  private spoken(): string[] {
    return this.http2 ? ["h2", "http/1.1"] : ["http/1.1"];
  }

  admit(socket: Socket): void {
    const peer = peerOf(socket);
    // Half open, one that goes away in the midst of its handshake would be kept until the time for that is over.
    socket.allowHalfOpen = false;
    this.shaking.set(peer, socket);
    socket.once("close", () => {
      if (this.shaking.get(peer) === socket) this.shaking.delete(peer);
    });
    this.server.emit("connection", socket);
  }

  get shakingHands(): number {
    return this.shaking.size;
  }

  /** Ends those that have not come to a request yet. */
  close(): void {
    for (const socket of this.shaking.values()) socket.destroy();
  }
}

function peerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
