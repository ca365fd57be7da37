import { accessSync, constants } from "node:fs"
import { AccessDenied, BucketNotFound } from "./errors.ts"
import { type Asked, describe } from "./failures.ts"
import { nearestFolder } from "./file-folders.ts"
import { lookAt } from "./file-paths.ts"

/**
 * The folder of a file store must be one that can be read. If it is not there, it must be one that can be made, unless it
 * is said that it must exist.
 * @throws BucketNotFound, AccessDenied
 */
export function probeFolder(asked: Asked, root: string, mustExist: boolean): void {
  const facts = { store: asked.store }
  const found = lookAt(root)
  if (found === undefined && mustExist) throw new BucketNotFound(`${describe(asked)}: no such folder`, facts)
  if (found?.isFile()) throw new BucketNotFound(`${describe(asked)}: a file, not a folder`, facts)
  const needed = found === undefined ? constants.W_OK | constants.X_OK : constants.R_OK | constants.X_OK
  try {
    accessSync(nearestFolder(root), needed)
  } catch (cause) {
    throw new AccessDenied(`${describe(asked)}: ${(cause as Error).message}`, facts, cause)
  }
}
