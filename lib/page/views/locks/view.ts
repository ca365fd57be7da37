import type { PageRequest, View } from "../../page.ts"
import { readLocks } from "./read.ts"
import { renderLocks } from "./render.ts"

/** Who holds what, and what to do about it. */
export function locksView({ deps, context }: PageRequest): View {
  return { title: "Locks", nav: "Locks", body: renderLocks(readLocks(deps.ledger), context) }
}
