import type { Generation } from "../../storage/store.ts"

/** One lock object that is ours. */
export interface HeldLock {
  readonly name: string
  readonly key: string
  readonly uri: string
  readonly generation: Generation
}

/**
 * Told of every step of a lock, so that whoever keeps it knows after a crash what may stand: each call returns when that is
 * recorded. What it throws ends what it was called by.
 */
export interface LockJournal {
  /** Before the first object is created: when this throws, none is. */
  intends(lock: IntendedLock): Promise<void>
  /** All of them stand. When this throws they are given back. */
  took(lock: { readonly token: string; readonly held: readonly HeldLock[] }): Promise<void>
  /**
   * None of ours stands any more; `gone` when others had removed them all. Not called while that is uncertain: of a lock
   * that could not be given back, or whose creation may still reach the store.
   */
  ended(lock: { readonly token: string }, how: "released" | "never created" | "gone"): Promise<void>
}

/** A lock that is about to be taken. */
export interface IntendedLock {
  readonly token: string
  /** `D/studies/ST/series/SE` */
  readonly seriesUri: string
  /** Of its objects, in the order in which they will be taken. */
  readonly names: readonly string[]
}

/** All locks of one series that were taken together, as plain JSON: with it another process goes on (`reacquireLocks`). */
export interface SerializedLock {
  readonly token: string
  readonly locks: readonly { readonly name: string; readonly generation: Generation }[]
}

/** The right to write one series, for as long as nobody breaks it. It outlives this process unless it is released. */
export interface SeriesLock {
  /** In the order in which they were taken. */
  readonly held: readonly HeldLock[]
  /** Stands in the custom metadata of each of the objects. */
  readonly token: string
  /** Whether it still stands, whole. False once it was released. @throws StorageError */
  exists(signal?: AbortSignal): Promise<boolean>
  /** @throws LockVerificationError when one of the objects is gone or another one, or after release; StorageError */
  verify(signal?: AbortSignal): Promise<void>
  /**
   * Deletes what is still ours, last taken first, and never anything else. Once it is released it does nothing more; a
   * release that failed can be tried again.
   * @throws LockVerificationError when one of the objects was gone or another one: what is ours was deleted nevertheless;
   *   StorageError when one could not be deleted, after the others were tried
   */
  release(signal?: AbortSignal): Promise<void>
  serialize(): SerializedLock
}
