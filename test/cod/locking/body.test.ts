import { expect, test } from "bun:test"
import { gunzip } from "../../../lib/cod/format/gzip.ts"
import { encodeSeriesMetadata, parseSeriesMetadata } from "../../../lib/cod/format/metadata/series.ts"
import { lockBody } from "../../../lib/cod/locking/body.ts"
import { documentText, entry2 } from "../format/metadata/documents.ts"

const stored = (instances: object, beside: object) =>
  parseSeriesMetadata(Buffer.from(documentText(instances, beside)))

const text = (bytes: Uint8Array) => new TextDecoder().decode(gunzip(bytes, 1 << 20))

test("A lock holds the metadata of a series as they were", () => {
  const series = stored({ "1.2.3": entry2() }, { note: "ours" })
  expect(text(lockBody(series))).toBe(text(encodeSeriesMetadata(series)))
})

test("A lock of a series without instances has its fields, and no UID by which it could be read", () => {
  const fields = { note: "ours", study: { study_uid: "1.2.3" } }
  const document = JSON.parse(text(lockBody(stored({}, fields))))
  expect(document).toEqual({ cod: { instances: {} }, fields })
})

test("A lock of a series that is not there yet holds no instances", () => {
  expect(JSON.parse(text(lockBody(undefined)))).toEqual({ cod: { instances: {} }, fields: {} })
})
