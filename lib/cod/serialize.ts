import type { SerializedLock } from "./locking/series-lock.ts"

/** A series that is open under its lock, as plain JSON: with it another process goes on (`CODObject.deserialize`). */
export interface SerializedCODObject {
  readonly datastore: string
  readonly studyUid: string
  readonly seriesUid: string
  readonly hashedUids: boolean
  readonly lock: SerializedLock
}
