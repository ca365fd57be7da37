import { SQLiteError } from "bun:sqlite"
import { AppError } from "../support/errors.ts"
import { AccessDenied, RequestRefused, Unavailable } from "./errors.ts"
import { type Asked, abortReason, describe } from "./failures.ts"

/** The storage error for whatever the file system or the catalogue threw. */
export function failureOfFile(asked: Asked, cause: unknown, signal?: AbortSignal): Error {
  if (cause instanceof AppError) return cause
  if (signal?.aborted) return abortReason(signal)
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : undefined
  const message = cause instanceof Error ? cause.message : String(cause)
  const Failure = classOf(code, cause instanceof SQLiteError)
  return new Failure(`${describe(asked)}: ${message}`, { store: asked.store, key: asked.key, code }, cause)
}

/** True for what the system says when nothing is at a path: no such entry, or a file where a folder would have to be. */
export function isAbsent(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code
  return code === "ENOENT" || code === "ENOTDIR"
}

/** True when another connection holds the catalogue, and waiting for it did not help. */
export function isBusy(error: unknown): boolean {
  return error instanceof SQLiteError && /^SQLITE_(BUSY|LOCKED)/.test(error.code ?? "")
}

function classOf(code: string | undefined, ofCatalogue: boolean) {
  if (ofCatalogue) {
    if (/^SQLITE_(READONLY|PERM|CANTOPEN|AUTH)/.test(code ?? "")) return AccessDenied
    // A damaged catalogue: moved away by a person, its files are taken in anew.
    if (/^SQLITE_(CORRUPT|NOTADB)/.test(code ?? "")) return RequestRefused
    return Unavailable
  }
  if (code === "EACCES" || code === "EPERM" || code === "EROFS") return AccessDenied
  // Keys that this file system cannot hold: too long, or one that would be a file and a folder at once.
  if (/^E(NAMETOOLONG|NOTDIR|ISDIR|EXIST|NOTEMPTY|INVAL|LOOP|NOENT)$/.test(code ?? "")) return RequestRefused
  return Unavailable
}
