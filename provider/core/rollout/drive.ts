import type { Draft } from "../draft";
import type { Goals } from "../goals";
import type { Intent } from "../intent";
import type { Observed } from "../observed";
import { advance } from "./advance";
import { followAwaited } from "./awaited";
import { backOver, nothingIsLeft, primaryFails } from "./back";
import { followClocks } from "./capacity";
import { obeyCommands } from "./commands";
import { dropRollout, endRollback, leaveOut, promote } from "./finish";
import { followIntent } from "./follow-intent";
import { goalsNow } from "./goals";
import { followNumbersToCutOver } from "./live-target";
import { replanUpwards, replanWhatHasNoRoom } from "./replan";
import { needsMore } from "./sizes";
import { beginRollout } from "./start";
import { stopFirstWithoutRoom } from "./stop-first";
import { turnBack } from "./turn";

/** Starts, moves, turns or ends the rollout, and says what every pool should be now. */
export function driveRollout(draft: Draft, intent: Intent, observed: Observed): Goals {
  if (draft.state.rollout !== null) {
    const gone = poolsThatGo(draft, intent);
    if (intent.service.deleting) dropRollout(draft, "what it moves is being deleted");
    else if (gone.length > 0) leaveOut(draft, gone);
  }
  const declared = intent.rollout;
  // Without a driver an unfinished rollout holds where it is, and commands wait for nobody.
  if (!intent.service.deleting && declared?.driving) {
    obeyCommands(draft, intent);
    if (draft.state.rollout !== null) carryOn(draft, intent, observed);
    if (draft.state.rollout === null) beginRollout(draft, intent, declared);
  }
  draft.state.commandsSeen = intent.commands.seq;
  return goalsNow(draft, intent);
}

function poolsThatGo(draft: Draft, intent: Intent): string[] {
  const names = draft.state.rollout!.pools.map(({ name }) => name);
  return names.filter((name) => draft.state.pools[name] === undefined || (intent.pools[name]?.deleting ?? true));
}

function carryOn(draft: Draft, intent: Intent, observed: Observed): void {
  const census = draft.census();
  followIntent(draft, intent);
  followClocks(draft);
  turnBack(draft, intent, census);
  followAwaited(draft, census);
  if (needsMore(draft)) replanUpwards(draft, "there is more load");
  followNumbersToCutOver(draft);
  replanWhatHasNoRoom(draft, census);
  stopFirstWithoutRoom(draft, census);
  const rollout = draft.state.rollout!;
  const { direction } = rollout;
  if (direction.kind === "back" && (direction.walk === "continuous" || primaryFails(draft, rollout))) {
    if (backOver(draft, rollout, census)) return endRollback(draft);
    if (direction.walk === "continuous") return;
  }
  if (advance(draft, intent, observed, census)) {
    if (draft.state.rollout!.direction.kind === "forward") promote(draft);
    // A canary that ended before the way back was planned is in no state of the plan, and its VM counts until it is gone.
    else if (nothingIsLeft(draft, rollout, census)) endRollback(draft);
  }
}
