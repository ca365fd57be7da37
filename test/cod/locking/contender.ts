/**
 * A process of its own that takes and releases the lock of a series when it is told to, a line of JSON each:
 * `bun contender.ts STORE-URI [EMULATOR-URL]`.
 */
import { createInterface } from "node:readline"
import { LockAcquisitionError } from "../../../lib/cod/errors.ts"
import { acquireLocks } from "../../../lib/cod/locking/acquire.ts"
import { lockBody } from "../../../lib/cod/locking/body.ts"
import { reacquireLocks } from "../../../lib/cod/locking/reacquire.ts"
import type { SerializedLock, SeriesLock } from "../../../lib/cod/locking/types.ts"
import type { GcsAccess } from "../../../lib/storage/gcs-sdk.ts"
import { openStore } from "../../../lib/storage/open.ts"
import { placeIn } from "./sites.ts"

const [uri = "", emulatorUrl] = process.argv.slice(2)
const gcs: GcsAccess = emulatorUrl === undefined ? {} : { emulatorUrl }
const store = openStore(uri, { gcs })
const place = placeIn(store)
let held: SeriesLock | undefined

interface Request {
  readonly do: string
  readonly serialized?: SerializedLock
}

const COMMANDS: Readonly<Record<string, (request: Request) => Promise<unknown>>> = {
  /** Whether it has it now. */
  async take() {
    held = await acquireLocks(store, place, () => lockBody(undefined)).catch(unlessHeld)
    return held !== undefined
  },
  async release() {
    await held!.release()
    return true
  },
  async takeAndGo() {
    const lock = await acquireLocks(store, place, () => lockBody(undefined))
    return lock.serialize()
  },
  async goOn({ serialized }) {
    held = await reacquireLocks(store, place, serialized!)
    return held.held
  },
}

function unlessHeld(error: unknown): undefined {
  if (!(error instanceof LockAcquisitionError)) throw error
}

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line) as Request
  const answer = await COMMANDS[request.do]!(request).then(
    (result) => ({ result }),
    (error: Error) => ({ error: `${error.name}: ${error.message}` }),
  )
  process.stdout.write(`${JSON.stringify(answer)}\n`)
}
