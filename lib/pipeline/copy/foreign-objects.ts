import type { Claim } from "../../ledger/claims.ts"
import { AccessDenied } from "../../storage/errors.ts"
import type { ObjectInfo, ObjectSource } from "../../storage/store.ts"
import { studyPrefix } from "../layout.ts"

/** What somebody else put at the destination, so that a copy need not download what stands there already. */
export interface ForeignObjects {
  /**
   * What a listing of the study shows under a key where nothing of ours can stand. Undefined where nothing does, and
   * where a listing is not expected to be worth its request.
   */
  listedAt(claim: Claim, key: string, signal?: AbortSignal): Promise<ObjectInfo | undefined>
  /** A create was refused, and what stands there is not ours. */
  met(): void
}

/** Listings in a row that may find nothing, before a create has to be refused again. */
const LISTINGS = 16

/**
 * Lists a study's folder at the destination before its first objects are downloaded, but only once an object that is
 * not ours was met in this run, and no longer than such are found. So the usual destination, which is empty or holds
 * what we put there, costs no request; one that another tool filled costs a listing a study instead of its bytes, but
 * for the few studies that were in flight when the first object was met; and in one that it filled in part, what it
 * did not fill costs a handful of listings.
 */
export function foreignObjects(destination: ObjectSource): ForeignObjects {
  const listings = new WeakMap<Claim, Promise<ReadonlyMap<string, ObjectInfo>>>()
  let left = 0
  let mayList = true

  const met = () => {
    if (mayList) left = LISTINGS
  }

  const list = async (claim: Claim, signal?: AbortSignal) => {
    const found = new Map<string, ObjectInfo>()
    try {
      for await (const info of destination.list(studyPrefix(claim), signal)) found.set(info.key, info)
    } catch (error) {
      signal?.throwIfAborted()
      // It would only have spared bytes: without it the copy goes on as ever, and meets what is wrong by itself.
      left = 0
      if (error instanceof AccessDenied) mayList = false
      found.clear()
    }
    return found
  }

  return {
    met,
    async listedAt(claim, key, signal) {
      let listing = listings.get(claim)
      if (listing === undefined && left > 0) {
        left -= 1
        listing = list(claim, signal)
        listings.set(claim, listing)
      }
      const standing = (await listing)?.get(key)
      if (standing !== undefined) met()
      return standing
    },
  }
}
