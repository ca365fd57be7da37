import { storeOptions } from "../../pipeline/deps.ts"
import { openSource } from "../../storage/open.ts"
import type { ObjectSource } from "../../storage/store.ts"
import type { Context } from "../../support/cli.ts"

/** What a verb of `cod` was started with; the context of `main` is one. */
export type CodStart = Pick<
  Context<"s3" | "gcs" | "cod", never, never>,
  "config" | "log" | "stop" | "progress" | "json" | "print"
>

/** What a datastore is opened with. */
export type OpenStart = Pick<CodStart, "config" | "log" | "stop">

/** Opens the datastore that a URI named, and closes it after the work. */
export async function withDatastore<T>(
  datastore: string,
  start: OpenStart,
  work: (store: ObjectSource) => Promise<T>,
): Promise<T> {
  using store = openSource(datastore, storeOptions(start))
  return await work(store)
}
