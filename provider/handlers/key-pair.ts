import { createPrivateKey, X509Certificate, type KeyObject } from "node:crypto";
import { createSecureContext } from "node:tls";
import type { KeyPair } from "../core/spec/tls-input";
import { hasUnknown } from "../core/spec/unknown";

/** Shorter ones are refused by HAProxy, and by clients. */
const LEAST_RSA_BITS = 2048;

export interface Unfit {
  field: "certificate" | "privateKey";
  sentence: string;
}

/** Why clients could not be served with this; null: they can, or it is not known yet. Nothing of the key is in the sentence. */
export function whyNotKeyPair(pair: KeyPair | undefined, now = Date.now()): Unfit | null {
  if (pair === undefined || hasUnknown(pair)) return null;
  const chain = pair.certificate.match(/-----BEGIN[^]*?-----END CERTIFICATE-----/g)!.map(readCertificate);
  const unread = chain.indexOf(null);
  if (unread >= 0) return certificate(`number ${unread + 1} cannot be read: it is damaged, or was cut`);
  const [own, ...others] = chain as [X509Certificate, ...X509Certificate[]];
  const key = readKey(pair.privateKey);
  if (key === null) return { field: "privateKey", sentence: "cannot be read: it is damaged, or was cut" };
  if (!own.checkPrivateKey(key)) return mismatch(others, key);
  for (const each of [own, ...others]) {
    const [from, to] = [Date.parse(each.validFrom), Date.parse(each.validTo)];
    if (now > to) return certificate(`${nameOf(each)} was valid until ${each.validTo}: give a new one`);
    if (now < from) return certificate(`${nameOf(each)} is valid only from ${each.validFrom}`);
  }
  const bits = own.publicKey.asymmetricKeyDetails?.modulusLength;
  if (bits !== undefined && bits < LEAST_RSA_BITS)
    return certificate(`its RSA key has ${bits} bits, which clients refuse: at least ${LEAST_RSA_BITS} are needed`);
  try {
    createSecureContext({ cert: pair.certificate, key: pair.privateKey });
  } catch (error) {
    const { code = "no code" } = error as NodeJS.ErrnoException;
    return certificate(`it cannot be used for TLS together with its key (${code})`);
  }
  return null;
}

function certificate(sentence: string): Unfit {
  return { field: "certificate", sentence };
}

function mismatch(others: readonly X509Certificate[], key: KeyObject): Unfit {
  const place = others.findIndex((each) => each.checkPrivateKey(key));
  if (place >= 0)
    return certificate(`the key is that of number ${place + 2}: put that one first, then who vouches for it`);
  return { field: "privateKey", sentence: "is not that of `certificate`: give the one that it was made for" };
}

function nameOf({ subject }: X509Certificate): string {
  return subject === "" ? "it" : subject.replace(/\n/g, ", ");
}

function readCertificate(pem: string): X509Certificate | null {
  try {
    return new X509Certificate(pem);
  } catch {
    return null;
  }
}

function readKey(pem: string): KeyObject | null {
  try {
    return createPrivateKey(pem);
  } catch {
    return null;
  }
}
