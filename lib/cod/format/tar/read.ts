import type { RandomAccess } from "../bytes.ts"
import type { TarMember } from "./member.ts"

/**
 * The members of a tar one after the other, up to its end blocks. Data is skipped, not read.
 *
 * @throws InvalidTar with the offset of a damaged header; TruncatedTar (one of them) when the bytes end before the
 * tar does
 */
export async function* readMembers(_tar: RandomAccess, _signal?: AbortSignal): AsyncGenerator<TarMember> {
  yield* []
  throw new Error("to come")
}
