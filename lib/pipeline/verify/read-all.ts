import type { LedgerObject } from "../../ledger/objects.ts"
import type { LedgerStudy } from "../../ledger/studies.ts"
import { NotFound, PreconditionFailed } from "../../storage/errors.ts"
import type { ObjectStore } from "../../storage/store.ts"
import { forEachLimit } from "../../support/pool.ts"
import { crc32cOfObject } from "../../transfer/hash.ts"
import { objectKey } from "../layout.ts"
import { differences, type Problem } from "./problem.ts"

/** Bodies hashed at a time. */
const READS_IN_FLIGHT = 8

/** Hashes the bytes of every object that is not known to be wrong already. */
export async function readAll(
  { destination }: { readonly destination: ObjectStore },
  study: LedgerStudy,
  objects: readonly LedgerObject[],
  known: readonly Problem[],
  signal: AbortSignal,
): Promise<Problem[]> {
  const wrong = new Set(known.map((problem) => problem.key))
  const problems: Problem[] = []
  const readOne = async (object: LedgerObject, inner: AbortSignal) => {
    const key = objectKey(study, object.path)
    if (!wrong.has(key)) problems.push(...(await readProblems(destination, study, key, object, inner)))
  }
  await forEachLimit(objects, READS_IN_FLIGHT, readOne, signal)
  return problems
}

async function readProblems(
  destination: ObjectStore,
  study: LedgerStudy,
  key: string,
  { size, crc32c, generation }: LedgerObject,
  signal: AbortSignal,
): Promise<Problem[]> {
  try {
    const found = await crc32cOfObject(destination, key, { ifGeneration: generation! }, signal)
    if (found === crc32c) return []
    return [{ study_id: study.studyId, key, problem: "bytes", expected: crc32c, found }]
  } catch (error) {
    // It is not what was listed any more.
    if (!(error instanceof NotFound || error instanceof PreconditionFailed)) throw error
    const expected = { size, crc32c, generation }
    return differences(study, key, expected, await destination.head(key, signal))
  }
}
