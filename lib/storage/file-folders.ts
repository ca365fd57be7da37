import { existsSync, mkdirSync, rmdirSync } from "node:fs"
import { open } from "node:fs/promises"
import { dirname } from "node:path"

/** Makes a folder and those above it. @returns the folders whose list of names changed, the deepest first */
export function makeFolders(path: string): string[] {
  const first = mkdirSync(path, { recursive: true })
  return first === undefined ? [] : foldersBetween(path, dirname(first))
}

/** Removes a folder and those above it as long as they are empty, but neither `top` nor any above it. */
export function removeEmptyFolders(path: string, top: string): void {
  for (const folder of foldersBetween(path, top).slice(0, -1)) {
    try {
      rmdirSync(folder)
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code
      if (code === "ENOTEMPTY" || code === "EEXIST" || code === "ENOENT") return
      throw error
    }
  }
}

/** The folder itself, or the first one above it that is there. */
export function nearestFolder(path: string): string {
  return existsSync(path) || path === dirname(path) ? path : nearestFolder(dirname(path))
}

/** Makes names that were added to folders, or removed, safe against a power loss. */
export async function syncFolders(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    await using folder = await open(path, "r")
    await folder.sync()
  }
}

/** From `path` up to `top`, both included. */
function foldersBetween(path: string, top: string): string[] {
  return path === top || path === dirname(path) ? [path] : [path, ...foldersBetween(dirname(path), top)]
}
