import type { LedgerObject } from "../../ledger/objects.ts"
import type { LedgerStudy } from "../../ledger/studies.ts"
import type { ObjectInfo } from "../../storage/store.ts"

/** Something that is not as the ledger says. */
export interface Problem {
  /** Null where the ledger as a whole is concerned. */
  readonly study_id: string | null
  readonly key: string
  readonly problem:
    | "missing"
    | "size"
    | "crc32c"
    | "generation"
    | "bytes"
    | "totals"
    | "source_changed"
    | "source_gone"
    | "series_missing"
    | "series_changed"
  readonly expected: string | number | null
  readonly found: string | number | null
}

export type Expected = Pick<LedgerObject, "size" | "crc32c" | "generation">

/** How what was found differs from what the ledger says: by the first thing that tells, or not at all. */
export function differences(
  study: LedgerStudy,
  key: string,
  expected: Expected,
  found: ObjectInfo | undefined,
): Problem[] {
  const problem = (kind: Problem["problem"], wanted: string | number | null, is: string | number | null) => ({
    study_id: study.studyId,
    key,
    problem: kind,
    expected: wanted,
    found: is,
  })
  if (found === undefined) return [problem("missing", expected.size, null)]
  const { size, crc32c, generation } = expected
  if (size !== null && found.size !== size) return [problem("size", size, found.size)]
  if (crc32c !== null && found.crc32c !== crc32c) return [problem("crc32c", crc32c, found.crc32c ?? null)]
  if (found.generation !== generation) return [problem("generation", generation, found.generation)]
  return []
}
