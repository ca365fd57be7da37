import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

/** A folder of its own for one test, gone when the test is: `using dir = tempDir()`. */
export interface TempDir extends Disposable {
  readonly path: string
  /** Path of something in it. */
  file(...names: string[]): string
}

export function tempDir(name = "etl"): TempDir {
  const path = mkdtempSync(join(tmpdir(), `${name}-`))
  return {
    path,
    file: (...names) => join(path, ...names),
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  }
}
