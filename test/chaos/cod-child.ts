/** A process that changes a series and is killed ahead of its nth call of the store: `bun cod-child.ts WHERE NAME N FOLDER`. */
import { CODObject } from "../../lib/cod/index.ts"
import { openFileStore } from "../../lib/storage/file.ts"
import { openGcs } from "../../lib/storage/gcs.ts"
import { SERIES, STUDY, sourceFiles } from "../cod/writing/files.ts"
import { stopping } from "../cod/writing/stopping.ts"
import { carryOut, OPERATIONS } from "./cod-operations.ts"

const [where = "", name = "", number = "", folder = ""] = process.argv.slice(2)

const { store, stopAt } = stopping(
  where.startsWith("file:")
    ? openFileStore(new URL(where).pathname)
    : openGcs({ bucket: "series", emulatorUrl: where }),
)
stopAt((call) => {
  if (call.number === Number(number)) process.kill(process.pid, "SIGKILL")
  return false
}, new Error("not killed"))

const place = { datastore: store.uri, studyUid: STUDY, seriesUid: SERIES }
await carryOut(
  OPERATIONS[name]!,
  () => CODObject.open({ ...place, store, lock: true, tempDir: folder }),
  sourceFiles(folder),
)
