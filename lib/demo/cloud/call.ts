import type { Incoming } from "./incoming.ts"

export type Service = "gcs" | "s3"

/** Every operation that is spoken, by the name that logs and fault rules use. */
export type Operation =
  | "gcs.insert"
  | "gcs.resumable.open"
  | "gcs.resumable.write"
  | "gcs.resumable.status"
  | "gcs.resumable.cancel"
  | "gcs.get"
  | "gcs.media"
  | "gcs.list"
  | "gcs.delete"
  | "gcs.patch"
  | "gcs.bucket"
  | "gcs.unknown"
  | "s3.get"
  | "s3.head"
  | "s3.list"
  | "s3.head-bucket"
  | "s3.unknown"

/** One request on its way through the server. */
export interface Call {
  readonly operation: Operation
  readonly bucket: string | undefined
  readonly key: string | undefined
  readonly url: URL
  readonly request: Request
  readonly body: Incoming
  /** What the handler did, for the log. */
  readonly outcome: Outcome
}

export interface Outcome {
  /** Of the object that was created or replaced: an upload at once names it in its body only. */
  key?: string
  effect?: "created" | "replaced" | "deleted"
  generation?: string
  /** Custom metadata of an object that was created or replaced. */
  metadata?: Readonly<Record<string, string>>
}

export function serviceOf(call: Call): Service {
  return call.operation.startsWith("gcs.") ? "gcs" : "s3"
}
