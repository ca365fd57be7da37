/**
 * An ingestion that says "held" when it is about to write the first tar, under its lock, and goes on at the end of its
 * standard input: `bun ingest-held.ts SETTINGS`.
 */
import type { IngestStepDeps } from "../../lib/pipeline/ingest/deps.ts"
import type { ObjectStore } from "../../lib/storage/store.ts"
import { ingestHere } from "./ingest-run.ts"

const [settings = "{}"] = process.argv.slice(2)
let going: Promise<unknown> | undefined

function heldUp() {
  if (going === undefined) process.stderr.write("held\n")
  going ??= Bun.stdin.text()
  return going
}

function holding({ datastore, ...deps }: IngestStepDeps): IngestStepDeps {
  const write: ObjectStore["write"] = async (key, ...rest) => {
    if (key.endsWith(".tar")) await heldUp()
    return await datastore.write(key, ...rest)
  }
  return { ...deps, datastore: { ...datastore, write } }
}

process.exitCode = await ingestHere(JSON.parse(settings), holding)
