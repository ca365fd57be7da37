import { describe, expect, test } from "bun:test"
import fc from "fast-check"
import { CODError, InvalidUri } from "../../../lib/cod/format/errors.ts"
import {
  instanceUri,
  isRemote,
  LOCK_NAMES,
  lockKey,
  memberName,
  metadataUri,
  parseSeriesUri,
  seriesKeys,
  seriesPrefix,
  seriesUri,
  splitTarUri,
  tarUri,
} from "../../../lib/cod/format/layout.ts"
import { isPathSegment } from "../../../lib/cod/format/uid.ts"

const place = { datastore: "gs://bucket/v1.0/dicomweb", studyUid: "1.2", seriesUid: "1.2.34" }
const SERIES = "gs://bucket/v1.0/dicomweb/studies/1.2/series/1.2.34"

describe("names", () => {
  test("of a series' objects, its tar beside its folder", () => {
    expect(seriesKeys("1.2", "1.2.34")).toEqual({
      folder: "studies/1.2/series/1.2.34/",
      tar: "studies/1.2/series/1.2.34.tar",
      metadata: "studies/1.2/series/1.2.34/metadata.json",
      index: "studies/1.2/series/1.2.34/index.sqlite",
      thumbnailJpg: "studies/1.2/series/1.2.34/thumbnail.jpg",
      thumbnailMp4: "studies/1.2/series/1.2.34/thumbnail.mp4",
      errorLog: "studies/1.2/series/1.2.34/error.log",
    })
    expect(LOCK_NAMES.map((name) => lockKey("1.2", "1.2.34", name))).toEqual([
      "studies/1.2/series/1.2.34/.cod.lock",
      "studies/1.2/series/1.2.34/.gradient.lock",
    ])
  })

  test("of all series of a study end in a slash: study 1.2 does not hold those of 1.23", () => {
    expect(seriesPrefix("1.2")).toBe("studies/1.2/series/")
  })

  test("as URIs", () => {
    expect(seriesUri(place)).toBe(SERIES)
    expect(tarUri(place)).toBe(`${SERIES}.tar`)
    expect(metadataUri(place)).toBe(`${SERIES}/metadata.json`)
    expect(instanceUri(place, "1.2.34.5")).toBe(`${SERIES}.tar://instances/1.2.34.5.dcm`)
    expect(seriesUri({ ...place, datastore: `${place.datastore}//` })).toBe(SERIES)
  })

  test.each(["", ".", "..", "a/b", "/a", "a\\b", "a\u0000", "a\nb", "a\u007f", "\ud800", "é".repeat(200)])(
    "cannot be made of %j",
    (wicked) => {
      expect(isPathSegment(wicked)).toBe(false)
      expect(() => seriesKeys(wicked, "1.2")).toThrow(InvalidUri)
      expect(() => seriesKeys("1.2", wicked)).toThrow(InvalidUri)
      expect(() => seriesPrefix(wicked)).toThrow(InvalidUri)
      expect(() => lockKey("1.2", wicked, ".cod.lock")).toThrow(InvalidUri)
      expect(() => memberName(wicked)).toThrow(InvalidUri)
      expect(() => instanceUri(place, wicked)).toThrow(InvalidUri)
    },
  )

  test("of a series do not end in .tar, or its folder would be another one's tar", () => {
    expect(() => seriesKeys("1.2", "1.2.tar")).toThrow(InvalidUri)
  })
})

describe("a series' URI", () => {
  test.each([
    SERIES,
    `${SERIES}/`,
    `${SERIES}.tar`,
    `${SERIES}/metadata.json`,
    `${SERIES}/index.sqlite`,
    `${SERIES}/thumbnail.jpg`,
    `${SERIES}/thumbnail.mp4`,
    `${SERIES}/error.log`,
    `${SERIES}/.cod.lock`,
    `${SERIES}/.gradient.lock`,
  ])("%s is understood", (uri) => {
    expect(parseSeriesUri(uri)).toEqual(place)
  })

  test("of a member of its tar names the instance too", () => {
    const uri = `${SERIES}.tar://instances/1.2.34.5.dcm`
    expect(parseSeriesUri(uri)).toEqual({ ...place, instanceKey: "1.2.34.5" })
  })

  test.each([
    "gs://bucket",
    "s3://bucket/a/b",
    "file:///data",
    "file:///a b/ü%20#x",
    "gs://b/studies/x/series/y",
  ])("may stand in %s", (datastore) => {
    const here = { datastore, studyUid: "1.2", seriesUid: "3.4" }
    expect(parseSeriesUri(seriesUri(here))).toEqual(here)
  })

  test.each(["abcdefghijkrat", "tar", "a.tart", "rat.tar.rat", "a.tar:", "1.2:"])(
    "keeps the letters of the UID %s",
    (seriesUid) => {
      const here = { ...place, seriesUid }
      expect(parseSeriesUri(tarUri(here))).toEqual(here)
      expect(parseSeriesUri(metadataUri(here))).toEqual(here)
      expect(parseSeriesUri(instanceUri(here, "k.dcm"))).toEqual({ ...here, instanceKey: "k.dcm" })
    },
  )

  test.each([
    "",
    "1.2",
    "/data/studies/1.2/series/1.2.34",
    "https://host/studies/1.2/series/1.2.34",
    "GS://bucket/studies/1.2/series/1.2.34",
    "gs://bucket/studies/1.2",
    "gs://bucket/series/1.2.34/studies/1.2",
    "gs://bucket/studies/1.2/series/",
    "gs://bucket/studies//series/1.2.34",
    "gs://bucket/studies/../series/1.2.34",
    "gs://bucket/studies/1.2/series/..",
    "gs://bucket/studies/1.2/series/.tar",
    "gs:///studies/1.2/series/1.2.34",
    "gs://bucket/../studies/1.2/series/1.2.34",
    "gs://bucket//a/studies/1.2/series/1.2.34",
    "file://studies/1.2/series/1.2.34",
    "file:///a/../../studies/1.2/series/1.2.34",
    "gs://bucket/studies/1\u00002/series/1.2.34",
    `${SERIES}.tar://`,
    `${SERIES}.tar://instances/`,
    `${SERIES}.tar://instances/.dcm`,
    `${SERIES}.tar://instances/...dcm`,
    `${SERIES}.tar://instances/a/b.dcm`,
    `${SERIES}.tar://../a.dcm`,
    `${SERIES}.tar://instances/a`,
    `${SERIES}.tar://instances/a.tar://instances/b.dcm`,
  ])("%j is refused", (uri) => {
    expect(() => parseSeriesUri(uri)).toThrow(InvalidUri)
  })

  test("leads to where it came from, whatever it is made of", () => {
    const segment = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.constantFrom("studies", "series", "a.tar", "tar://", "1.2"),
    )
    fc.assert(
      fc.property(segment, segment, segment, (study, series, key) => {
        const here = { ...place, studyUid: study, seriesUid: series }
        try {
          expect(parseSeriesUri(instanceUri(here, key))).toEqual({ ...here, instanceKey: key })
          expect(parseSeriesUri(metadataUri(here))).toEqual(here)
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidUri)
          const names = [study, series, key]
          const isGood = names.every((name) => isPathSegment(name) && !name.includes(".tar"))
          expect(isGood && study !== "studies").toBe(false)
        }
      }),
    )
  })

  test("that is anything at all ends in a place or in an error of ours, and never leads out", () => {
    const piece = fc.constantFrom(
      "gs://",
      "file://",
      "/",
      "b",
      "..",
      "studies",
      "series",
      ".tar",
      "://",
      "instances",
      ".dcm",
      "\0",
      "1.2",
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(piece, { maxLength: 16 }).map((all) => all.join("")),
        ),
        (uri) => {
          try {
            const { datastore, studyUid, seriesUid, instanceKey } = parseSeriesUri(uri)
            expect([studyUid, seriesUid, instanceKey ?? "none"].every(isPathSegment)).toBe(true)
            expect(datastore).not.toMatch(/\/\.\.?(?:\/|$)|\/$/)
          } catch (error) {
            expect(error).toBeInstanceOf(CODError)
          }
        },
      ),
      { numRuns: 2000 },
    )
  })
})

describe("a member of a tar", () => {
  test("is named behind the tar, which may stand anywhere", () => {
    expect(splitTarUri("/tmp/a.tar://instances/1.dcm")).toEqual({
      tar: "/tmp/a.tar",
      member: "instances/1.dcm",
    })
    expect(splitTarUri("gs://b/a.tar://x")).toEqual({ tar: "gs://b/a.tar", member: "x" })
    expect(splitTarUri("gs://b/a.tar")).toBeUndefined()
    expect(splitTarUri("/tmp/a.tar/b")).toBeUndefined()
  })

  test.each(["a.tar://", ".tar://a", "a.tar://b.tar://c"])("%s is none", (uri) => {
    expect(() => splitTarUri(uri)).toThrow(InvalidUri)
  })
})

test("remote is what has a scheme of the network", () => {
  const remote = ["gs://b/a", "s3://b/a", "http://h/a", "https://h/a", "HTTPS://h/a"]
  const local = ["httpfoo.dcm", "https", "gs:/b", "/gs://b", "file:///a", "./s3://b", "s3"]
  expect(remote.filter(isRemote)).toEqual(remote)
  expect(local.filter(isRemote)).toEqual([])
})
