import { append } from "./append.ts"
import { errorLog } from "./error-log.ts"
import { field } from "./field.ts"
import { remove, truncate } from "./remove.ts"
import { repair } from "./repair.ts"
import { unlock } from "./unlock.ts"
import { upgrade } from "./upgrade.ts"
import { SERIES, type Verb } from "./verb.ts"

const CHANGE = ["dryRun", "lockNames", "metadataVersion"] as const

/** What changes a series, each under its lock. */
export const WRITE_VERBS: Readonly<Record<string, Verb>> = {
  append: {
    takes: "URI FILE...",
    does: "stores DICOM files, folders of them, or URIs",
    examples: [`append ${SERIES} 7.8.9.dcm ./more`, "append gs://bucket/cod ./incoming --dry-run"],
    flags: CHANGE,
    run: append,
  },
  remove: {
    takes: "URI KEY...",
    does: "takes these instances out",
    examples: [`remove ${SERIES} 7.8.9`],
    flags: CHANGE,
    run: remove,
  },
  truncate: {
    takes: "URI KEY...",
    does: "takes all others out",
    examples: [`truncate ${SERIES} 7.8.9`],
    flags: CHANGE,
    run: truncate,
  },
  upgrade: {
    takes: "URI",
    does: "metadata of version 1.0 becomes 2.0",
    examples: [`upgrade ${SERIES}`],
    flags: ["dryRun", "lockNames"],
    run: upgrade,
  },
  repair: {
    takes: "URI",
    does: "puts metadata and index right, by the tar",
    examples: [`repair ${SERIES} --dry-run`],
    flags: [...CHANGE, "dropLost"],
    run: repair,
  },
  field: {
    takes: "URI [NAME [JSON]]",
    does: "fields beside the instances: all, one, a new value",
    examples: [`field ${SERIES} note '"seen by two"'`, `field ${SERIES} note --remove`],
    flags: [...CHANGE, "remove"],
    run: field,
  },
  "error-log": {
    takes: "URI",
    does: "why nobody may write the series",
    examples: [`error-log ${SERIES} --clear`],
    flags: ["dryRun", "clear", "message"],
    run: errorLog,
  },
  unlock: {
    takes: "URI",
    does: "breaks a lock that somebody left behind",
    examples: [`unlock ${SERIES} --generation 1700000000000000 --why "host-7 is gone"`],
    flags: ["dryRun", "generation", "why"],
    run: unlock,
  },
}
