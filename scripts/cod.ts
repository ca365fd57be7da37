import { examplesOf, runVerb, verbsInWords } from "../lib/operate/cod/verbs.ts"
import { flag, main, option, positiveInteger } from "../lib/support/cli.ts"

await main(
  {
    name: "cod",
    summary: `Looks into a datastore of Cloud Optimized DICOM and changes nothing.\n\n${verbsInWords()}`,
    example: examplesOf("bun scripts/cod.ts"),
    arguments: {
      name: "VERB URI",
      description:
        "URI: gs://, s3:// or file:///. KEY: as ls has it, all behind the first #. TAG: gggg,eeee.",
      parse: String,
    },
    options: {
      frame: option("N", positiveInteger, "cat: only this frame, counted from 1"),
      quick: flag("ls: without counts; check: headers alone, no instance"),
    },
    config: ["s3", "gcs"],
  },
  (start) => runVerb(start, start.args, start.options),
)
