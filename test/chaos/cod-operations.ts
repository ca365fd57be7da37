import type { CODObject } from "../../lib/cod/index.ts"
import { dicom, type SourceFiles, uid } from "../cod/writing/files.ts"

/** What is done to a series of the instances 1 to 4, and is stopped somewhere. */
export interface Operation {
  change(cod: CODObject, files: SourceFiles): Promise<unknown>
  /** Instances that must be there whatever happens, and those that may be. */
  readonly kept: readonly number[]
  readonly maybe: readonly number[]
  /** Whether what is stored stays where it is: then the series is sound whenever the writer dies. */
  readonly isSoundThroughout?: boolean
}

export const STORED = [1, 2, 3, 4]

export const OPERATIONS: Readonly<Record<string, Operation>> = {
  append: {
    change: (cod, files) => cod.append([files.nth(5), files.nth(6, 2 << 20)]),
    kept: STORED,
    maybe: [5, 6],
    isSoundThroughout: true,
  },
  // Their members lie in the order in which they came: all behind the first move.
  remove: { change: (cod) => cod.remove([uid(1)]), kept: [2, 3, 4], maybe: [1] },
  truncate: { change: (cod) => cod.truncate([uid(2), uid(4)]), kept: [2, 4], maybe: [1, 3] },
  "remove and append": {
    async change(cod, files) {
      await cod.remove([uid(2)])
      await cod.append([files.nth(5)])
    },
    kept: [1, 3, 4],
    maybe: [2, 5],
  },
  "add a field": {
    change: (cod) => cod.addMetadataField("note", "new"),
    kept: STORED,
    maybe: [],
    isSoundThroughout: true,
  },
  "note a conflict": {
    async change(cod, files) {
      await cod.append([files.of(dicom({ instance: uid(1), comment: "other" }))])
      await cod.addMetadataField("note", "new")
    },
    kept: STORED,
    maybe: [],
    isSoundThroughout: true,
  },
}

/** Opens the series, changes it, syncs it, and gives the lock back. */
export async function carryOut(
  { change }: Operation,
  open: () => Promise<CODObject>,
  files: SourceFiles,
): Promise<void> {
  await using cod = await open()
  await change(cod, files)
  await cod.sync()
  await cod.release()
}
