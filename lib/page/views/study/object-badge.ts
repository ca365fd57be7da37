import type { ObjectState } from "../../../ledger/states.ts"
import type { Html } from "../../../support/html.ts"
import { badge, type Tone } from "../../parts/panel.ts"

const TONES: Readonly<Record<ObjectState, Tone>> = {
  pending: "warn",
  copied: "good",
  failed: "bad",
  missing: "bad",
  retired: "quiet",
}

/** What became of an object. */
export function objectBadge(state: ObjectState): Html {
  return badge(state === "pending" ? "waiting" : state, TONES[state])
}
