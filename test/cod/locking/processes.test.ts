import { describe, expect, test } from "bun:test"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { findLocks } from "../../../lib/cod/locking/found.ts"
import type { HeldLock, SerializedLock } from "../../../lib/cod/locking/types.ts"
import { startCloud } from "../../../lib/demo/cloud/server.ts"
import { openStore } from "../../../lib/storage/open.ts"
import { startPeer } from "../../interop/cod/peer.ts"
import { tempDir } from "../../support/temp.ts"
import { placeIn } from "./sites.ts"

const ROUNDS = 200
const PROCESSES_MS = 60_000

const STORES: Readonly<Record<string, () => Promise<{ readonly args: string[] } & AsyncDisposable>>> = {
  async "a folder"() {
    const dir = tempDir("cod-locks")
    return { args: [pathToFileURL(dir.path).href], [Symbol.asyncDispose]: async () => dir[Symbol.dispose]() }
  },
  async "a bucket"() {
    const cloud = await startCloud()
    cloud.createBucket("locks")
    return { args: ["gs://locks", cloud.url], [Symbol.asyncDispose]: () => cloud.stop() }
  },
}

const startContender = (args: readonly string[]) =>
  startPeer([process.execPath, "--no-env-file", join(import.meta.dir, "contender.ts"), ...args])

describe.each(Object.entries(STORES))("Processes that share %s", (_, openPlace) => {
  test(
    "contend for a lock, and each time exactly one of them wins",
    async () => {
      await using store = await openPlace()
      await using one = startContender(store.args)
      await using other = startContender(store.args)
      const wins = [0, 0]
      for (let round = 1; round <= ROUNDS; round++) {
        // The one that is asked first has a start.
        const order = round % 2 === 0 ? [0, 1] : [1, 0]
        const contenders = [one, other]
        const answers = await Promise.all(order.map((index) => contenders[index]!.ask<boolean>("take")))
        const winners = order.filter((_, place) => answers[place])
        expect(winners).toHaveLength(1)
        wins[winners[0]!]!++
        await contenders[winners[0]!]!.ask("release")
      }
      expect(Math.min(...wins)).toBeGreaterThan(0)
    },
    PROCESSES_MS,
  )

  test(
    "hand a lock on, which outlives the one that took it",
    async () => {
      await using store = await openPlace()
      await using heir = startContender(store.args)
      let serialized: SerializedLock
      {
        await using first = startContender(store.args)
        serialized = await first.ask<SerializedLock>("takeAndGo")
      }
      using seen = openStore(store.args[0]!, { gcs: { emulatorUrl: store.args[1] } })
      const left = await findLocks(seen, placeIn(seen))
      expect(left.map(({ holder }) => holder?.hasEnded)).toEqual([true, true])
      expect(await heir.ask<boolean>("take")).toBe(false)
      const held = await heir.ask<HeldLock[]>("goOn", { serialized })
      expect(held.map(({ name, generation }) => ({ name, generation }))).toEqual([...serialized.locks])
      await heir.ask("release")
      await expect(heir.ask("goOn", { serialized })).rejects.toThrow(/^LockVerificationError: .* is gone/)
      expect(await heir.ask<boolean>("take")).toBe(true)
    },
    PROCESSES_MS,
  )
})
