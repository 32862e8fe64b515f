/** The demo's voice: everything goes to stdout, with the seconds since the start in front. */
export class Terminal {
  readonly #startedAt = Date.now();

  title(text: string): void {
    process.stdout.write(`\n${bold(`== ${text}`)}\n`);
  }

  line(text: string): void {
    const seconds = ((Date.now() - this.#startedAt) / 1000).toFixed(1).padStart(6);
    process.stdout.write(`${dim(`${seconds} s`)}  ${text}\n`);
  }

  block(text: string): void {
    process.stdout.write(`${text.trimEnd()}\n`);
  }
}

function bold(text: string): string {
  return process.stdout.isTTY ? `\u001b[1m${text}\u001b[0m` : text;
}

function dim(text: string): string {
  return process.stdout.isTTY ? `\u001b[2m${text}\u001b[0m` : text;
}
