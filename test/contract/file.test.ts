import { withAccessRule } from "../../lib/storage/access.ts"
import { openFileStore } from "../../lib/storage/file.ts"
import { withObserver } from "../../lib/storage/observe.ts"
import { withRetry } from "../../lib/storage/retry.ts"
import type { ObjectStore } from "../../lib/storage/store.ts"
import { tempDir } from "../support/temp.ts"
import { READING } from "./reading.ts"
import { asOrigin, keeps } from "./subject.ts"
import { WRITING } from "./writing.ts"

async function openStore() {
  const dir = tempDir()
  const store = openFileStore(dir.file("not", "yet", "there"))
  const close = async () => {
    store[Symbol.dispose]()
    dir[Symbol.dispose]()
  }
  return { ...store, [Symbol.asyncDispose]: close }
}

keeps({ name: "a folder", open: openStore }, WRITING)

keeps(
  {
    name: "a folder, behind everything that can be put around a store",
    async open() {
      const store = await openStore()
      const wrapped = withRetry(withObserver(withAccessRule<ObjectStore>(store), () => {}))
      return { ...wrapped, [Symbol.asyncDispose]: store[Symbol.asyncDispose] }
    },
  },
  WRITING,
)

keeps(
  {
    name: "a folder, read",
    async open() {
      const store = await openStore()
      return { ...asOrigin(store), [Symbol.asyncDispose]: store[Symbol.asyncDispose] }
    },
  },
  READING,
)
