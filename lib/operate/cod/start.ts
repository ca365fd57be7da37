import { storeOptions } from "../../pipeline/deps.ts"
import { openSource } from "../../storage/open.ts"
import type { ObjectSource } from "../../storage/store.ts"
import type { Context } from "../../support/cli.ts"
import type { Config } from "../../support/config.ts"

/** What a verb of `cod` was started with; the context of `main` is one. */
export type CodStart = Pick<
  Context<"s3" | "gcs" | "cod", never, never>,
  "log" | "stop" | "progress" | "json" | "print"
> &
  Partial<Pick<Context<never, never, never>, "pictures">> & {
    /** The ledger is looked into where there is one; no verb needs it. */
    readonly config: Config<"s3" | "gcs" | "cod"> & Partial<Config<"ledger">>
  }

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
