import type { AffinitySpec } from "../../core/spec/pool";
import { PREFIX_WINDOW_BYTES } from "../affinity";
import { keyOf } from "./affinity";
import type { ClientRequest, ClientUser } from "./client-request";
import type { Refusal } from "./refusal";

/** How long a client may take for the beginning of its body; then any replica will do. */
const READ_WITHIN_MS = 1000;

/** What a request had of its body when it was held together with others, and by what. */
export interface BodyStart {
  key: number | null;
  pieces: readonly Buffer[];
}

/** Reads the beginning of a request's body, by which its replica is chosen; whoever goes on with the request gets it back. */
export class PrefixReader implements ClientUser {
  private readonly pieces: Buffer[] = [];
  private readonly timer: NodeJS.Timeout;
  private over = false;

  constructor(
    private readonly client: ClientRequest,
    private readonly affinity: AffinitySpec,
    private readonly onRead: (start: BodyStart) => void,
  ) {
    this.timer = setTimeout(() => this.finish(null), READ_WITHIN_MS);
    client.user = this;
    client.writeContinue();
    client.wantBody(true);
  }

  onClientBody(piece: Buffer): void {
    this.pieces.push(piece);
    const prefix = prefixOf(this.pieces, this.affinity);
    if (prefix.whole) this.finish(keyOf(prefix.text));
  }

  onClientBodyEnd(): void {
    this.finish(keyOf(prefixOf(this.pieces, this.affinity).text));
  }

  onClientRoom(): void {
    // Nothing has been answered.
  }

  onClientGone(): void {
    this.stop();
  }

  onClientRefused(refusal: Refusal): void {
    this.stop();
    this.client.refuse(refusal);
  }

  private finish(key: number | null): void {
    if (this.over) return;
    this.stop();
    this.client.wantBody(false);
    this.onRead({ key, pieces: this.pieces });
  }

  private stop(): void {
    this.over = true;
    clearTimeout(this.timer);
  }
}

/** What of these first pieces of a body counts; whole: more of it would change nothing. */
export function prefixOf(
  pieces: readonly Buffer[],
  { prefixBytes, prefixField }: AffinitySpec,
): { text: string; whole: boolean } {
  const body = pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces);
  const window = body.toString("latin1", 0, Math.min(body.length, PREFIX_WINDOW_BYTES));
  const name = prefixField === undefined ? "" : `"${prefixField}"`;
  const found = window.indexOf(name);
  const from = found === -1 ? 0 : found + name.length;
  const text = window.slice(from, from + prefixBytes!);
  const settled = found !== -1 && text.length === prefixBytes;
  return { text, whole: settled || window.length === PREFIX_WINDOW_BYTES };
}
