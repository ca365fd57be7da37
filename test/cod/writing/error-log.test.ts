import { describe, expect, test } from "bun:test"
import {
  CleanOpOnUnlockedCODObjectError,
  CODObject,
  ErrorLogExistsError,
  LockVerificationError,
} from "../../../lib/cod/index.ts"
import { Unavailable } from "../../../lib/storage/errors.ts"
import { withRetry } from "../../../lib/storage/retry.ts"
import type { ObjectStore, Opened } from "../../../lib/storage/store.ts"
import { failureOf } from "../../contract/bodies.ts"
import { goldenCase } from "../../support/golden.ts"
import { SITES, type Site } from "./site.ts"

const SEVERAL = goldenCase("several-instances")

function locked(site: Site, store = site.store): Promise<CODObject> {
  return CODObject.open({ ...site.place, store, lock: true })
}

for (const [where, open] of Object.entries(SITES)) {
  describe(`an error log in ${where}`, () => {
    test("keeps writers from the series until it is cleared, and can be read by anybody", async () => {
      await using site = await open(SEVERAL)
      await using cod = await locked(site)
      await cod.uploadErrorLog("Größe of the tar is in doubt\n")
      await cod.release()
      expect(await failureOf(locked(site))).toBeInstanceOf(ErrorLogExistsError)

      await using reading = await CODObject.open({ ...site.place, store: site.store, lock: false })
      expect(await reading.errorLog()).toBe("Größe of the tar is in doubt\n")
      expect(await site.head("errorLog")).toMatchObject({ contentType: "text/plain" })
      expect(await reading.clearErrorLog()).toBe(true)
      expect(await reading.errorLog()).toBeUndefined()
      expect(await reading.clearErrorLog()).toBe(false)
      await using again = await locked(site)
      await again.release()
    })

    test("is never written over, not even by the same words", async () => {
      await using site = await open(SEVERAL)
      await using cod = await locked(site)
      await cod.uploadErrorLog("first")
      expect(await failureOf(cod.uploadErrorLog("first"))).toBeInstanceOf(ErrorLogExistsError)
      expect(await failureOf(cod.uploadErrorLog("second"))).toBeInstanceOf(ErrorLogExistsError)
      expect(await cod.errorLog()).toBe("first")
      await cod.release()
    })
  })
}

test("an upload whose answer was lost is no log of somebody else", async () => {
  await using site = await SITES["a folder"]!(SEVERAL)
  let lost = 0
  const forgetful = {
    ...(site.store as Opened<ObjectStore>),
    async write(...[key, body, options, signal]: Parameters<ObjectStore["write"]>) {
      const info = await site.store.write(key, body, options, signal)
      if (!key.endsWith("error.log")) return info
      lost += 1
      throw new Unavailable("the answer was lost", {})
    },
  }
  await using cod = await locked(site, withRetry(forgetful, { retries: 3, minTimeoutMs: 1, maxTimeoutMs: 1 }))
  await cod.uploadErrorLog("in doubt")
  expect(lost).toBe(1)
  expect(await cod.errorLog()).toBe("in doubt")
  await cod.release()
})

test("what was changed and not stored does not keep one from uploading it, and stays", async () => {
  await using site = await SITES["a folder"]!(SEVERAL)
  await using cod = await locked(site)
  await cod.addMetadataField("note", 1)
  await cod.uploadErrorLog("in doubt")
  expect(cod.isChanged).toBe(true)
  await cod.release()
})

test("a log is uploaded by who holds the lock, and by nobody else", async () => {
  await using site = await SITES["a folder"]!(SEVERAL)
  await using reading = await CODObject.open({ ...site.place, store: site.store, lock: false })
  expect(await failureOf(reading.uploadErrorLog("x"))).toBeInstanceOf(CleanOpOnUnlockedCODObjectError)
  await using cod = await locked(site)
  for (const { key, generation } of cod.lock!.held) await site.store.delete(key, { ifGeneration: generation })
  expect(await failureOf(cod.uploadErrorLog("x"))).toBeInstanceOf(LockVerificationError)
  expect(await site.head("errorLog")).toBeUndefined()
})
