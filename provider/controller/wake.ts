/** Lets the loop sleep until something happened. A ring while nobody sleeps is kept for the next sleep. */
export class Wake {
  private rung = false;
  private end: (() => void) | null = null;

  ring(): void {
    this.rung = true;
    this.end?.();
  }

  async sleep(milliseconds: number): Promise<"rung" | "slept"> {
    if (!this.rung) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, milliseconds);
        this.end = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.end = null;
    const how = this.rung ? "rung" : "slept";
    this.rung = false;
    return how;
  }
}
