import { afterEach, describe, expect, test } from "bun:test"
import { releaseClaim } from "../../../lib/ledger/claims.ts"
import { recordStudy } from "../../../lib/ledger/studies.ts"
import { AppError } from "../../../lib/support/errors.ts"
import { beginAll, COPIED, settle } from "../../support/copying.ts"
import { chestStudy, image, metadata, mustClaim, type TestLedger, testLedger } from "../../support/ledger.ts"
import { packingLedger } from "../../support/packing-ledger.ts"
import { openSeriesPage, type SeriesPage } from "../packed-series.ts"

let opened: SeriesPage | undefined
afterEach(async () => {
  await opened?.[Symbol.asyncDispose]()
  opened = undefined
})

async function open(bench: TestLedger): Promise<SeriesPage> {
  opened = await openSeriesPage(bench)
  return opened
}

async function view(page: SeriesPage, studyId: string, query = ""): Promise<string> {
  const response = await page.ask(`/studies/${encodeURIComponent(studyId)}${query}`)
  expect(response.status).toBe(200)
  return await response.text()
}

/** Records a study, and copies what `fails` does not name. */
function worked(
  bench: TestLedger,
  studyId: string,
  images: number,
  fails: Readonly<Record<string, Error>> = {},
) {
  const { ledger, runId, cohortId } = bench
  const objects = [metadata(), ...Array.from({ length: images }, (_, n) => image(`i${n}`))]
  recordStudy(ledger, chestStudy(studyId, { objects }), cohortId)
  const claim = mustClaim(ledger, runId, studyId)
  for (const attempt of beginAll(ledger, claim)) {
    const error = fails[attempt.object.path]
    settle(ledger, claim, attempt, error === undefined ? COPIED : failed(error))
  }
  releaseClaim(ledger, claim, { seconds: 1 })
}

function failed(error: Error) {
  const verdict = "give-up" as const
  return { outcome: "failed", verdict, errorClass: error.name, errorMessage: error.message } as const
}

describe("the view of a study", () => {
  test("shows its series with their pictures, its objects and what happened", async () => {
    const page = await open(testLedger())
    const seriesNo = await page.packed("a", "1.2.5", [{}, {}])
    const text = await view(page, "a")
    expect(text).toContain("DX, chest, PA")
    expect(text).toContain(`/series/${seriesNo}/thumbnail`)
    expect(text).toContain("2 images · 30 × 40 · Explicit VR Little Endian · tar of")
    expect(text).toContain("dicom_files/s/i1.dcm")
    expect(text).toMatch(/<strong>packed<\/strong>/)
    expect(text).toContain("What happens next")
    expect(text).not.toContain("Retry this study")
  })

  test("is the same below /flower, with links that stay there", async () => {
    const page = await open(testLedger())
    const seriesNo = await page.packed("a", "1.2.5", [{}])
    const text = await (await page.ask("/flower/studies/a")).text()
    expect(text).toContain(`/flower/series/${seriesNo}/thumbnail`)
    expect(text).not.toContain('src="/series')
  })

  test("says what its packing came to: conflicts, a lock that hangs, what no series can hold", async () => {
    const page = await open(packingLedger())
    expect(await view(page, "a")).toMatch(/1 new · 1 in conflict/)
    const hanging = await view(page, "b")
    expect(hanging).toContain("lock hangs")
    expect(hanging).toContain("bun run locks list")
    const unpackable = await view(page, "c")
    expect(unpackable).toContain("it has no SOP Instance UID")
    expect(unpackable).toContain("Retry this study")
  })

  test("has objects in parts, thousands of them", async () => {
    const bench = testLedger()
    worked(bench, "many", 250)
    const page = await open(bench)
    const first = await view(page, "many")
    expect(first).toContain("251 objects")
    expect(first).toContain("dicom_files/s/i98.dcm<")
    expect(first).not.toContain("dicom_files/s/i99.dcm<")
    const [, next] = /href="([^"]*objects=\d+)#/.exec(first)!
    const second = await (await page.ask(next!)).text()
    expect(second).toContain("dicom_files/s/i99.dcm<")
    expect(second).not.toContain("dicom_files/s/i98.dcm<")
    const last = await (await page.ask(/href="([^"]*objects=\d+)#/.exec(second)![1]!)).text()
    expect(last).toContain("dicom_files/s/i249.dcm<")
    expect(last).not.toMatch(/objects=\d+#/)
  })

  test("bounds the timeline, and says so", async () => {
    const bench = testLedger()
    worked(bench, "many", 250)
    const text = await view(await open(bench), "many")
    expect(text).toContain("the latest 100")
    expect(text.match(/class="when"/g)).toHaveLength(100)
  })

  test("escapes ids and errors, whatever they are", async () => {
    const bench = testLedger()
    const studyId = `x"><script>alert(1)</script>/..`
    class Hostile extends AppError {}
    const error = new Hostile(`<img src=x onerror="alert(2)">`, { verdict: "give-up" })
    worked(bench, studyId, 1, { "dicom_files/s/i0.dcm": error })
    const text = await view(await open(bench), studyId)
    expect(text).toContain("&lt;img src=x onerror=&quot;alert(2)&quot;&gt;")
    expect(text).not.toMatch(/<script>|<img src=x/)
  })

  test.each(["unknown", "%00", "..%2f..", "a'%20or%201=1"])(
    "is not there for what the ledger does not know: %s",
    async (id) => {
      const page = await open(testLedger())
      expect((await page.ask(`/studies/${id}`)).status).toBe(404)
      expect((await page.ask(`/series/7`)).status).toBe(404)
    },
  )

  test("takes what is no number for the front of a list", async () => {
    const page = await open(testLedger())
    await page.packed("a", "1.2.5", [{}])
    for (const query of ["?objects=-1", "?objects=9e9", "?series=x", "?series=99999999999"]) {
      expect(await view(page, "a", query)).toContain("What happens next")
    }
  })
})
