import { pictureSize, windowValue } from "../lib/operate/cod/render-values.ts"
import { examplesOf, runVerb, verbsInWords } from "../lib/operate/cod/verbs.ts"
import { flag, lockNames, main, metadataVersion, option, positiveInteger } from "../lib/support/cli.ts"

const HASHED =
  "Hashed UIDs (UID_HASH_KEY; info tells whether a series has them) cover paths and keys only: tags, pixels and the " +
  "three UID keys of each instance keep the original. It is not de-identification."

await main(
  {
    name: "cod",
    summary: `Looks into a datastore of Cloud Optimized DICOM, and changes it, one series at a time under its lock.

${verbsInWords()}

${HASHED}`,
    example: examplesOf("bun scripts/cod.ts"),
    arguments: {
      name: "VERB URI",
      description:
        "URI: gs://, s3:// or file:///. KEY: as ls has it, all behind the first #. TAG: gggg,eeee. STUDY: an id, by the ledger of this box.",
      parse: String,
    },
    options: {
      frame: option("N", positiveInteger, "cat, render: this frame, counted from 1"),
      window: option("C,W", windowValue, "render: center and width of the greys that are told apart"),
      size: option("PX", pictureSize, "render: pixels of the long side"),
      limit: option("N", positiveInteger, "contact-sheet: at most N series (200)"),
      out: option("FILE", String, "pictures: where to; nothing is ever overwritten", { short: "o" }),
      make: flag("thumbnail: made and stored under the lock where it is missing or out of date"),
      quick: flag("ls: without counts; check: headers alone, no instance"),
      lockNames: option("NAMES", lockNames, "what changes: the locks that are taken (COD_LOCK_NAMES)"),
      metadataVersion: option("V", metadataVersion, "what changes: 1.0 or 2.0 (COD_METADATA_VERSION)"),
      dropLost: flag("repair: gives up instances whose bytes are lost"),
      remove: flag("field: removes it"),
      clear: flag("error-log: deletes it, so that the series can be written again"),
      message: option("TEXT", String, "error-log: writes one, so that nobody writes the series"),
      generation: option("G", String, "unlock: of the lock that is meant, as info has it"),
      why: option("TEXT", String, "unlock: for the log"),
    },
    config: ["s3", "gcs", "cod", "ledger"],
    changes: true,
  },
  (start) => runVerb(start, start.args, { ...start.options, dryRun: start.dryRun }),
)
