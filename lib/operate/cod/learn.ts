import { Instance, type InstanceOptions } from "../../cod/index.ts"
import { AppError, verdictOf } from "../../support/errors.ts"
import { forEachLimit } from "../../support/pool.ts"
import type { Progress } from "../../support/progress.ts"
import type { Reason } from "./append-sources.ts"

/** Files that were read once: what they are is known by hints, and nothing of them is kept. */
export interface Learnt {
  readonly instances: readonly Instance[]
  readonly failed: readonly Reason[]
}

/** So many files are read at a time. */
const AT_ONCE = 4

/**
 * Finds out what files are. Whoever knows all of an instance need not ask for more to see that a series has it already.
 * @returns instances in the order of the files
 */
export async function learn(
  files: readonly string[],
  options: Omit<InstanceOptions, "dicomUri" | "hints">,
  progress: Progress,
  signal: AbortSignal,
): Promise<Learnt> {
  const learnt = new Map<number, Instance>()
  const failed = new Map<number, Reason>()
  progress.start(files.length, "files read")
  try {
    const read = async ([index, file]: [number, string], signal: AbortSignal) => {
      try {
        learnt.set(index, await learnOne(file, options, signal))
      } catch (error) {
        if (signal.aborted || !(error instanceof AppError) || verdictOf(error) === "stop") throw error
        failed.set(index, { file, why: error.message })
      }
      progress.tick()
    }
    await forEachLimit(files.entries(), AT_ONCE, read, signal)
  } finally {
    progress.stop()
  }
  return { instances: inOrder(learnt), failed: inOrder(failed) }
}

async function learnOne(
  dicomUri: string,
  options: Omit<InstanceOptions, "dicomUri" | "hints">,
  signal: AbortSignal,
): Promise<Instance> {
  await using instance = new Instance({ ...options, dicomUri })
  const hints = {
    size: await instance.size({}, signal),
    crc32c: await instance.crc32c({}, signal),
    instanceUid: await instance.instanceUid({}, signal),
    seriesUid: await instance.seriesUid({}, signal),
    studyUid: await instance.studyUid({}, signal),
  }
  return new Instance({ ...options, dicomUri, hints })
}

function inOrder<T>(byIndex: ReadonlyMap<number, T>): T[] {
  return [...byIndex].toSorted(([a], [b]) => a - b).map(([, value]) => value)
}
