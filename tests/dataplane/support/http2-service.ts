import type { ClientHttp2Session } from "node:http2";
import type { BalancerSpec } from "../../../provider/core/spec/pool";
import type { DesiredReplica, DesiredRouting } from "../../../provider/core/routing";
import type { KeyPair } from "../../../provider/core/spec/tls-input";
import { makeKeyPair, whyNoCertificates } from "./certificate";
import type { Tls } from "./client";
import { FrameClient, openHttp2 } from "./http2";
import { primaryOnly, tlsOf } from "./routing";
import type { Subject } from "./subject";

/** A service that speaks HTTP/2, with clients that are gone after each test. */
export interface Http2Service {
  readonly pair: KeyPair;
  readonly trust: Tls;
  serve(desired: DesiredRouting): Promise<number>;
  serving(replicas: DesiredReplica[], change?: Partial<BalancerSpec>): Promise<number>;
  open(port: number): ClientHttp2Session;
  frames(port: number): Promise<FrameClient>;
}

/** Registers the hooks of one `describe`. */
export function http2Service(subject: Subject): Http2Service {
  let pair: KeyPair | null = null;
  const sessions: ClientHttp2Session[] = [];
  const frameClients: FrameClient[] = [];
  before(function () {
    if (whyNoCertificates !== null) {
      this.test!.title += ` - ${whyNoCertificates}`;
      this.skip();
    }
    pair = makeKeyPair("one");
  });
  afterEach(() => {
    for (const session of sessions.splice(0)) session.destroy();
    for (const client of frameClients.splice(0)) client.socket.destroy();
  });
  const service: Http2Service = {
    get pair() {
      return pair!;
    },
    get trust() {
      return { ca: [pair!.certificate] };
    },
    serve: (desired) =>
      subject.serve({ ...desired, balancer: { ...desired.balancer, tls: { ...tlsOf(pair!), http2: true } } }, pair!),
    serving: (replicas, change = {}) => service.serve(primaryOnly(replicas, change)),
    open: (port) => {
      const session = openHttp2(port, service.trust);
      sessions.push(session);
      return session;
    },
    frames: async (port) => {
      const client = await FrameClient.connect(port, service.trust);
      frameClients.push(client);
      return client;
    },
  };
  return service;
}
