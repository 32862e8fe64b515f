let second = -1;
let line = "";

/** The Date field of a response, as a whole line. Made once a second. */
export function httpDate(): string {
  const now = Date.now();
  const present = Math.floor(now / 1000);
  if (present !== second) {
    second = present;
    line = `date: ${new Date(now).toUTCString()}\r\n`;
  }
  return line;
}
