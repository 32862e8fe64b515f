/** Why the balancer answers itself: a status and a sentence for the person at the other end. */
export interface Refusal {
  status: 400 | 401 | 404 | 408 | 413 | 417 | 431 | 501 | 502 | 503 | 504;
  sentence: string;
}

/** After a message that cannot be trusted, where its body ends cannot be trusted either. */
export function isUntrusted({ status }: Refusal): boolean {
  return status === 400 || status === 408 || status === 431 || status === 501;
}

export function refusalFields({ status }: Refusal, bytes: number): string[] {
  const fields = ["content-type", "text/plain; charset=utf-8", "content-length", String(bytes)];
  if (status === 503) fields.push("retry-after", "1");
  if (status === 401) fields.push("www-authenticate", "Bearer");
  return fields;
}
