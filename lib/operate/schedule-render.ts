import { plural } from "../support/text.ts"
import type { FiringTotals } from "./firings.ts"
import type { Outlook } from "./schedule-outlook.ts"

export function renderFirings({ runs, discoveries, skipped, caught_up, failed }: FiringTotals): string {
  return [
    plural(runs, "run"),
    ...(caught_up > 0 ? [`${plural(caught_up, "firing")} to catch up`] : []),
    ...(discoveries > 0 ? [`${plural(discoveries, "discovery", "discoveries")} while a run lasted`] : []),
    ...(skipped > 0 ? [`${skipped} skipped`] : []),
    `${failed} failed`,
  ].join(", ")
}

export function renderOutlook({ catch_up, next, running }: Outlook): string {
  return [
    ...(running === null ? [] : [`Run ${running} is under way: a firing now would only discover.`]),
    catch_up === null
      ? "Nothing to catch up."
      : `Catches up at once: the run that was due at ${catch_up.due_at} ${catch_up.reason === "missed" ? "was missed" : "was cut off"}.`,
    "Next runs (UTC):",
    ...next.map((time) => `  ${time}`),
  ].join("\n")
}
