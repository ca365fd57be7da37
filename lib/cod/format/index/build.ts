import type { TarMember } from "../tar/member.ts"
import type { TarStats } from "./index-member.ts"

/** An index.sqlite in ratarmount's format 0.7.0 of these members of a tar, which may lie in a tar still to be written. */
export function buildIndex(_members: Iterable<TarMember>, _tar: TarStats): Uint8Array {
  throw new Error("to come")
}
