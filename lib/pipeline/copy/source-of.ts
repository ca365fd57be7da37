import type { LedgerObject } from "../../ledger/objects.ts"
import { InvalidSource } from "../errors.ts"
import { objectKey, type StudyIds } from "../layout.ts"

/**
 * The origin's key of an object. The PACS names none (then it is the destination's), a key, or an `s3://` URI of the
 * origin's bucket.
 * @param originUri as `ORIGIN_URI` has it, for example `s3://hospital-pacs`
 * @throws InvalidSource
 */
export function originKeyOf(
  study: StudyIds,
  object: Pick<LedgerObject, "path" | "source">,
  originUri: string,
): string {
  if (object.source === null) return objectKey(study, object.path)
  const key = keyWithin(object.source, originUri)
  const reason = key === undefined ? `it lies outside ${originUri}` : whyUnusable(key)
  if (key === undefined || reason !== undefined) {
    throw new InvalidSource(`file_path cannot be a key of the origin: ${reason}`, {
      study: study.studyId,
      object: object.path,
    })
  }
  return key
}

/** The key behind the origin's URI; a path that is no URI is a key already; undefined for another bucket's URI. */
function keyWithin(source: string, originUri: string): string | undefined {
  if (!/^[a-z][a-z0-9+.-]*:\/\//i.test(source)) return source
  const prefix = `${originUri.replace(/\/+$/, "")}/`
  return source.startsWith(prefix) ? source.slice(prefix.length) : undefined
}

function whyUnusable(key: string): string | undefined {
  if (key === "") return "it is empty"
  if (/^(\/|[a-z]:[\\/]|\\\\)/i.test(key)) return "it is an absolute local path"
  if (key.split("/").some((segment) => segment === ".." || segment === ".")) return "it leaves its folder"
  if (/\p{Cc}/u.test(key)) return "it holds a control character"
  return undefined
}
