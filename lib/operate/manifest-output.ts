import { open, rename, rm } from "node:fs/promises"
import { UsageError } from "../support/errors.ts"

/** Takes bytes in their order; resolves when there is room for more. */
export interface Output {
  write(bytes: Uint8Array): Promise<void>
}

/** @throws UsageError: with `json` standard output is for the report, so the rows need a file */
export function requireRoom(
  { out }: { readonly out?: string | undefined },
  { json }: { readonly json: boolean },
) {
  if (!json || out !== undefined) return
  throw new UsageError(
    "--json without --out FILE: standard output has the rows",
    "Rows are JSON documents by default; with --out, --json prints what was written.",
  )
}

/** Lets `work` write to standard output; it ends quietly when nobody reads it any more, as `| head` does. */
export async function writeOut(work: (output: Output) => Promise<unknown>) {
  let isRead = true
  const write = (bytes: Uint8Array) =>
    new Promise<void>((resolve, reject) => {
      process.stdout.write(bytes, (error?: NodeJS.ErrnoException | null) => {
        if (error === undefined || error === null) return resolve()
        isRead = error.code !== "EPIPE"
        reject(error)
      })
    })
  await work({ write }).catch((error: unknown) => {
    if (isRead) throw error
  })
}

/**
 * Lets `work` write a file that appears under its name when all of it is there, in place of whatever stood there, or
 * not at all.
 * @throws UsageError when it cannot be made, or what `work` throws
 */
export async function writeFileWhole<T>(path: string, work: (output: Output) => Promise<T>): Promise<T> {
  const partial = `${path}.${process.pid}.partial`
  const unusable = (cause: Error) => {
    throw new UsageError(
      `${path} cannot be written: ${cause.message}`,
      "Check the name of the file and the rights of its folder.",
    )
  }
  const file = await open(partial, "w").catch(unusable)
  try {
    const result = await work({ write: (bytes) => file.writeFile(bytes) })
    await file.sync()
    await rename(partial, path).catch(unusable)
    return result
  } catch (error) {
    await rm(partial, { force: true })
    throw error
  } finally {
    await file.close()
  }
}
