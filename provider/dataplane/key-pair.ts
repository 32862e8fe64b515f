import { createPrivateKey, X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import { ServeError } from "../core/errors";
import type { DesiredRouting } from "../core/routing";
import type { KeyPair } from "../core/spec/tls-input";

/** What the routing serves TLS with; null: in clear. Throws InvalidInput: what is to be TLS must never be served in clear. */
export function keyPairFor({ balancer }: DesiredRouting, given: KeyPair | undefined): KeyPair | null {
  if (balancer.tls === undefined) return null;
  if (given === undefined) throw refused("its certificate did not come with it");
  if (!fits(given)) throw refused("its certificate and key do not fit, or cannot be read");
  return given;
}

function fits({ certificate, privateKey }: KeyPair): boolean {
  try {
    createSecureContext({ cert: certificate, key: privateKey });
    // A context takes a pair of different kinds, and fails in every handshake.
    return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(privateKey));
  } catch {
    return false;
  }
}

function refused(why: string): ServeError {
  return new ServeError({
    code: "InvalidInput",
    scope: "dataplane",
    reasons: [
      `The load balancer cannot serve TLS: ${why}. Check \`balancer.tls\` of the service and run \`pulumi up\`.`,
    ],
  });
}
