import { connect } from "node:net";
import { ServeError } from "../../core/errors";
import { Turns } from "../../host/turns";

const ANSWER_WITHIN_MS = 5000;

/**
 * The Runtime API of one HAProxy process: one command after the other, each on a connection of its own, as its answer ends
 * with the connection. There is no status code: whoever asks says which answers mean that it worked.
 */
export class Runtime {
  private readonly turns = new Turns();
  private answers = 0;

  constructor(readonly path: string) {}

  /** Answers that came so far: while it grows, the process is alive. */
  get heard(): number {
    return this.answers;
  }

  /** The answer, whatever it says. Throws DataPlaneUnreachable (retryable) when nobody answers. */
  ask(command: string): Promise<string> {
    return this.answerTo(`${command}\n`);
  }

  private answerTo(text: string): Promise<string> {
    return this.turns.take(async () => {
      const answer = await exchange(this.path, text);
      this.answers += 1;
      return answer;
    });
  }

  /** For commands that say nothing when they worked. Throws with HAProxy's own words otherwise. */
  async order(command: string): Promise<void> {
    const answer = (await this.ask(command)).trim();
    if (answer !== "") throw refused(command, answer);
  }

  /** For commands that say something when they worked. `payload` may be secret: no message shows it. */
  async expect(command: string, worked: RegExp, payload?: string): Promise<string> {
    const answer = await this.answerTo(payload === undefined ? `${command}\n` : `${command} <<\n${payload}\n`);
    if (!worked.test(answer)) throw refused(command, answer.trim());
    return answer;
  }
}

function exchange(path: string, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    let answer = "";
    let failure: string | null = null;
    socket.setEncoding("utf8");
    socket.setTimeout(ANSWER_WITHIN_MS, () => {
      failure = `no answer within ${ANSWER_WITHIN_MS} ms`;
      socket.destroy();
    });
    socket.on("connect", () => socket.write(text));
    socket.on("data", (text: string) => (answer += text));
    socket.on("error", (error) => (failure = error.message));
    socket.on("close", () => {
      if (failure === null) resolve(answer);
      else
        reject(
          new ServeError({
            code: "DataPlaneUnreachable",
            scope: "dataplane",
            retryable: true,
            reasons: [`HAProxy does not answer at ${path} (${failure}): it is started again.`],
          }),
        );
    });
  });
}

function refused(command: string, answer: string): ServeError {
  return new ServeError({
    code: "DataPlaneUnreachable",
    scope: "dataplane",
    retryable: true,
    reasons: [`HAProxy refused "${command}": ${answer || "it said nothing"}.`],
  });
}
