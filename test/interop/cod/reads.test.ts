import { afterAll, describe, expect, test } from "bun:test"
import { dicomJson, parseDicom } from "../../../lib/cod/format/dicom/index.ts"
import { CODObject, type StoredTags, TarValidationError } from "../../../lib/cod/index.ts"
import { described } from "./described.ts"
import type { PeerSeries } from "./peer.ts"
import { openSite } from "./site.ts"

const BUCKET = "interop"

const DEFLATED = "1.2.840.10008.1.2.1.99"

const site = await openSite(BUCKET)
if (site === undefined) test.skip("series of cloud-optimized-dicom 2.2.0", () => {})
else {
  const { peer, store } = site
  afterAll(() => site[Symbol.asyncDispose]())

  describe("a series of cloud-optimized-dicom 2.2.0 reads as it reads it itself", async () => {
    for (const kind of await peer.ask<string[]>("kinds")) {
      test(kind, async () => {
        const { integrity_check, ...theirs } = await peer.ask<PeerSeries>("write", { kind, bucket: BUCKET })
        expect(integrity_check).toBe(kind === "emptied" ? null : "ok")
        const { datastore, study_uid: studyUid, series_uid: seriesUid } = theirs
        await using cod = await CODObject.open({ datastore, studyUid, seriesUid, store, lock: false })
        expect(await described(cod)).toEqual(theirs)
        // Metadata without instances beside a tar full of them: nothing to compare for the package, damage for us.
        if (kind === "emptied") await expect(cod.integrityCheck()).rejects.toThrow(TarValidationError)
        else await cod.integrityCheck()
        for (const instance of (await cod.getInstances({ strictSorting: false })).values()) {
          await using view = await cod.openInstance(instance)
          const tags = dicomJson(parseDicom(await view.bytes()), { uri: instance.record!.uri })
          expect(asWeWrite(tags)).toEqual(asWeWrite(await instance.metadata()))
        }
      })
    }
  })
}

/**
 * The same elements but for what is only theirs: numbers that are none, which JSON has not, and the first bytes of what
 * is large in a deflated file, which they take from the file as it is.
 */
function asWeWrite(tags: StoredTags): unknown {
  const isDeflated = tags["00020010"]?.Value?.[0] === DEFLATED
  return JSON.parse(
    JSON.stringify(tags, (name, value) => {
      if (isDeflated && name === "head") return undefined
      return typeof value === "bigint" ? `${value}n` : value
    }),
  )
}
