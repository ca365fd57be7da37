import { type BigIntStats, lstatSync } from "node:fs"
import { join } from "node:path"
import type { Asked } from "./failures.ts"
import { isAbsent } from "./file-failures.ts"
import { hasDotSegment, keySpace, refusedKey } from "./keys.ts"

/** What the store itself keeps at its root begins so, and is no object. */
export const OWN_FILES = ".objects."

const NAMES = keySpace()

/** What is at a key's place. */
export interface Place {
  readonly path: string
  /** Absent when no regular file is there. */
  readonly file: BigIntStats | undefined
}

/**
 * The place of a key below the root.
 * @throws RequestRefused for a key that has no place of its own, or that leads through a symbolic link: what lies behind
 * one may be anywhere
 */
export function placeOf(asked: Asked & { readonly key: string }, root: string): Place {
  const { key } = asked
  const flaw = flawOf(NAMES.nameOf(asked))
  if (flaw !== undefined) throw refusedKey(asked, flaw)
  let path = root
  let found: BigIntStats | undefined
  for (const segment of key.split("/")) {
    path = join(path, segment)
    found = lookAt(path)
    if (found === undefined) break
    if (found.isSymbolicLink()) throw refusedKey(asked, `${path} is a symbolic link`)
  }
  return { path: join(root, key), file: found?.isFile() && path === join(root, key) ? found : undefined }
}

/** True for names that a listing shows, so that whatever is listed can also be read. */
export function isKey(key: string): boolean {
  return key.isWellFormed() && flawOf(key) === undefined
}

/** Undefined where nothing is. */
export function lookAt(path: string): BigIntStats | undefined {
  try {
    return lstatSync(path, { bigint: true, throwIfNoEntry: false })
  } catch (error) {
    if (isAbsent(error)) return undefined
    throw error
  }
}

/**
 * Tells one state of a file from any other that was or will be at the same path. Every write makes a new file, and who
 * changes one in place changes its time.
 */
export function fileIdOf({ ino, size, mtimeNs }: BigIntStats): string {
  return `${ino}-${size}-${mtimeNs}`
}

function flawOf(key: string): string | undefined {
  if (/\p{Cc}/u.test(key)) return "a key with a control character"
  if (hasDotSegment(key)) return "a key with `.` or `..` in its path"
  if (/^\/|\/\/|\/$/.test(key)) return "a key with an empty part"
  if (key.startsWith(OWN_FILES)) return "a name that the store keeps for itself"
  return undefined
}
