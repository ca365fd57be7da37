import { storeOptions } from "../../../pipeline/deps.ts"
import { openSource } from "../../../storage/open.ts"
import type { ObjectSource } from "../../../storage/store.ts"
import type { OpenStart } from "../start.ts"

/** Datastores, each opened when it is first asked for, and closed with the others. */
export interface SharedStores extends Disposable {
  of(datastore: string): ObjectSource
}

export function sharedStores(start: OpenStart): SharedStores {
  const opened = new DisposableStack()
  const stores = new Map<string, ObjectSource>()
  return {
    of(datastore) {
      const known = stores.get(datastore)
      if (known !== undefined) return known
      const store = opened.use(openSource(datastore, storeOptions(start)))
      stores.set(datastore, store)
      return store
    },
    [Symbol.dispose]: () => opened.dispose(),
  }
}
