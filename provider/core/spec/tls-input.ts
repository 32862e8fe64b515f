import { z } from "zod";
import { digest } from "../digest";
import { closed, field } from "./field";
import type { TlsSpec } from "./pool";

/** A certificate with those that vouch for it, and its private key, each in PEM: what the store's secrets hold. */
export interface KeyPair {
  certificate: string;
  privateKey: string;
}

/** Both have to go to HAProxy as one command, which must fit into the smallest buffer that it can be given. */
const MOST_CHARACTERS = { certificate: 24_576, privateKey: 8_192 };
const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[^]*?-----END \1-----/g;
const NO_CERTIFICATE = "must be a certificate in PEM, which begins with -----BEGIN CERTIFICATE-----";
const NO_KEY = "must be a private key in PEM, which begins with -----BEGIN PRIVATE KEY-----";

const certificate = z
  .string(NO_CERTIFICATE)
  .max(MOST_CHARACTERS.certificate, `must have at most ${MOST_CHARACTERS.certificate} characters`)
  .refine((text) => !/PRIVATE KEY-----/.test(text), {
    message: "holds a private key as well: give that as `privateKey` alone, which is kept secret",
    abort: true,
  })
  .transform((text) => blocks(text, /^CERTIFICATE$/).join(""))
  .refine((pem) => pem !== "", NO_CERTIFICATE);

const privateKey = z
  .string(NO_KEY)
  .max(MOST_CHARACTERS.privateKey, `must have at most ${MOST_CHARACTERS.privateKey} characters`)
  .refine((text) => !/ENCRYPTED/.test(text), {
    message: "is encrypted: give it decrypted, as a secret of Pulumi",
    abort: true,
  })
  .transform((text) => blocks(text, /PRIVATE KEY$/))
  .refine((found) => found.length > 0, NO_KEY)
  .refine((found) => found.length < 2, "must be one private key, that of the certificate")
  .transform((found) => found.join(""));

export const tlsInput = closed({
  certificate: field(certificate),
  privateKey: field(privateKey),
  http2: field(z.boolean("must be true or false").optional()),
});

export type TlsInput = z.output<typeof tlsInput>;

export function keyPairOf({ certificate, privateKey }: TlsInput): KeyPair {
  return { certificate, privateKey };
}

/** The declaration without its secrets; equal ones of a service give equal specs. */
export function tlsSpec(service: string, input: TlsInput): TlsSpec {
  const secret = `tls-${digest([service, input.certificate, input.privateKey])}`;
  return input.http2 === undefined ? { secret } : { secret, http2: input.http2 };
}

/** The blocks of this kind without what stands around them, and without an empty line, which would end HAProxy's command. */
function blocks(text: string, kind: RegExp): string[] {
  const found = [...text.matchAll(BLOCK)].filter(([, label]) => kind.test(label!));
  return found.map(([block]) => {
    const lines = block.split(/\s*\n\s*/);
    return `${lines.filter((line) => line !== "").join("\n")}\n`;
  });
}
