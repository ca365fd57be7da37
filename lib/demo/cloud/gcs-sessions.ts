import type { StoredObject } from "./buckets.ts"
import type { Upload } from "./gcs-spec.ts"

/** A resumable upload that was opened. */
export interface Session {
  readonly id: string
  readonly upload: Upload
  /** Of the whole object, once a request named it. */
  total: number | undefined
  readonly persisted: Uint8Array[]
  persistedBytes: number
  state: "open" | "done" | "cancelled" | "failed"
  /** The object that the session made. */
  result: StoredObject | undefined
}

export interface Sessions {
  open(upload: Upload, total: number | undefined): Session
  find(id: string): Session | undefined
}

export function openSessions(): Sessions {
  const sessions = new Map<string, Session>()
  return {
    open(upload, total) {
      const id = `ABg5-${crypto.randomUUID()}`
      const session: Session = {
        id,
        upload,
        total,
        persisted: [],
        persistedBytes: 0,
        state: "open",
        result: undefined,
      }
      sessions.set(id, session)
      return session
    },
    find: (id) => sessions.get(id),
  }
}
