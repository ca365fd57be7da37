import { IllegalMove } from "./errors.ts"

/** Where one object stands. */
export type ObjectState = "pending" | "copied" | "failed" | "missing" | "retired"

/** Where one study stands: `out_of_cohort` when only the ranking moved, `withdrawn` when one of its own facts did. */
export type Standing = "eligible" | "out_of_cohort" | "withdrawn"

/**
 * Every legal move of an object, by what causes it.
 *
 * | from | to | because |
 * |---|---|---|
 * | pending | copied, failed, missing | a copy ended |
 * | failed, missing | copied, failed, missing | a later copy ended |
 * | failed, missing, copied | pending | the source changed, `verify --repair`, the operator asked |
 * | any but retired | retired | the database lists it no longer |
 * | retired | pending | the database lists it again |
 */
export const OBJECT_MOVES: Readonly<Record<ObjectState, readonly ObjectState[]>> = {
  pending: ["copied", "failed", "missing", "retired"],
  failed: ["copied", "failed", "missing", "pending", "retired"],
  missing: ["copied", "failed", "missing", "pending", "retired"],
  copied: ["pending", "retired"],
  retired: ["pending"],
}

/** @throws IllegalMove */
export function assertMove(from: ObjectState, to: ObjectState) {
  if (!OBJECT_MOVES[from].includes(to)) throw new IllegalMove("an object", from, to)
}
