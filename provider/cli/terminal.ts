/** Where a command writes and how it ends; tests bring their own. */
export interface Terminal {
  out(text: string | Uint8Array): void;
  err(text: string): void;
  /** A person watches, so the screen may be cleared. */
  readonly interactive: boolean;
  exitCode: number;
}
