import type { Dirent } from "node:fs"
import { readdir } from "node:fs/promises"
import { join } from "node:path"
import { isAbsent } from "./file-failures.ts"
import { isKey } from "./file-paths.ts"
import { compareKeys } from "./keys.ts"
import type { Page } from "./pages.ts"

const PAGE_KEYS = 250

/**
 * The keys of all files below `root` that begin with `prefix`, in the order of their UTF-8 bytes, page by page: the
 * returned function takes the last key of the page before. One folder of each level is held in memory. Symbolic links
 * are not followed, and names that cannot be keys are passed over.
 */
export function keyPages(root: string, prefix: string): (after?: string) => Promise<Page<string>> {
  let walk: AsyncGenerator<string> | undefined
  return async (after = "") => {
    walk ??= keysBelow(root, "", prefix, after)
    const items: string[] = []
    try {
      while (items.length < PAGE_KEYS) {
        const step = await walk.next()
        if (step.done) return { items }
        items.push(step.value)
      }
      return { items, next: items.at(-1) }
    } catch (error) {
      // A generator that threw is over: the same page begins with a new one.
      walk = undefined
      throw error
    }
  }
}

async function* keysBelow(
  root: string,
  folder: string,
  prefix: string,
  after: string,
): AsyncGenerator<string> {
  for (const { name, entry } of inKeyOrder(await entriesOf(join(root, folder)))) {
    const key = folder + name
    if (entry.isDirectory()) {
      const mayHoldKeys = key.startsWith(prefix) || prefix.startsWith(key)
      const mayHoldLaterKeys = after.startsWith(key) || compareKeys(key, after) > 0
      if (mayHoldKeys && mayHoldLaterKeys) yield* keysBelow(root, key, prefix, after)
    } else if (entry.isFile() && key.startsWith(prefix) && isKey(key) && compareKeys(key, after) > 0) {
      yield key
    }
  }
}

/** A folder stands where its keys do: `a-b` comes before `a/b`, though the folder's own name `a` would come first. */
function inKeyOrder(entries: readonly Dirent[]) {
  return entries
    .map((entry) => ({ entry, name: entry.isDirectory() ? `${entry.name}/` : entry.name }))
    .sort((a, b) => compareKeys(a.name, b.name))
}

async function entriesOf(path: string): Promise<Dirent[]> {
  try {
    return await readdir(path, { withFileTypes: true })
  } catch (error) {
    if (isAbsent(error)) return []
    throw error
  }
}
