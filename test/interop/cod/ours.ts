/** We as a process of our own, with commands of `peer.py`: `bun ours.ts BUCKET EMULATOR-URL`. */
import { createInterface } from "node:readline"
import { CODObject, type Instance, LockAcquisitionError } from "../../../lib/cod/index.ts"
import { openStore } from "../../../lib/storage/open.ts"
import { instanceOf } from "./sources.ts"

const [bucket = "", emulatorUrl] = process.argv.slice(2)
const store = openStore(`gs://${bucket}`, { gcs: { emulatorUrl } })
let held: CODObject | undefined

interface Place {
  readonly datastore: string
  readonly study_uid: string
  readonly series_uid: string
}

/** @returns whether it has the lock now */
async function acquire({ datastore, study_uid: studyUid, series_uid: seriesUid }: Place): Promise<boolean> {
  try {
    held = await CODObject.open({ datastore, studyUid, seriesUid, store, lock: true })
    return true
  } catch (error) {
    if (error instanceof LockAcquisitionError) return false
    throw error
  }
}

async function finish({ uris }: { readonly uris: readonly string[] }) {
  await using cod = held!
  const result = await cod.append(uris.map((uri) => instanceOf({ uri }, store)))
  await cod.sync()
  await cod.release()
  const count = (list: readonly Instance[]) => list.length
  return {
    new: count(result.new),
    same: count(result.same),
    conflict: count(result.conflict),
    errors: result.errors.map(({ error }) => String(error)),
  }
}

const COMMANDS: Readonly<Record<string, (args: never) => Promise<unknown>>> = { acquire, finish }

for await (const line of createInterface({ input: process.stdin })) {
  const { do: name, ...args } = JSON.parse(line)
  const answer = await COMMANDS[name]!(args as never).then(
    (result) => ({ result }),
    (error: Error) => ({ error: error.stack }),
  )
  process.stdout.write(`${JSON.stringify(answer)}\n`)
}
