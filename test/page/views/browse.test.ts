import { afterEach, describe, expect, test } from "bun:test"
import { browseStudies } from "../../../lib/ledger/page/browse.ts"
import { recordStudy } from "../../../lib/ledger/studies.ts"
import { boundsOfDay, dayIn } from "../../../lib/page/views/browse/day.ts"
import { chestStudy, type TestLedger, testLedger } from "../../support/ledger.ts"
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

interface Known {
  readonly id: string
  readonly signed: string | null
  readonly rank?: number
  readonly modalities?: string | null
}

function discovered(studies: readonly Known[]): TestLedger {
  const bench = testLedger()
  for (const { id, signed, rank = 2, modalities = "CR" } of studies) {
    const study = chestStudy(id, { newestSignedAt: signed, doctorRank: rank, modalities })
    recordStudy(bench.ledger, study, bench.cohortId)
  }
  return bench
}

/** One a minute, the latest last. */
function many(n: number): readonly Known[] {
  return Array.from({ length: n }, (_, at) => ({
    id: `s${String(at).padStart(4, "0")}`,
    signed: new Date(Date.UTC(2026, 0, 1, 0, at)).toISOString(),
  }))
}

function idsIn(text: string): string[] {
  return [...text.matchAll(/href="\/studies\/([^"]+)"/g)].map(([, id]) => decodeURIComponent(id!))
}

async function ids(page: SeriesPage, query = ""): Promise<string[]> {
  return idsIn(await (await page.ask(`/browse${query}`)).text())
}

describe("the grid of studies", () => {
  test("goes from the latest to the oldest, each study once, those without a signed report last", async () => {
    const studies = [...many(100), { id: "unsigned", signed: null }]
    const page = await open(discovered(studies))
    const seen: string[] = []
    let address: string | undefined = "/browse"
    while (address !== undefined) {
      const text = await (await page.ask(address)).text()
      const found = idsIn(text)
      expect(found.length).toBeLessThanOrEqual(48)
      seen.push(...found)
      address = /href="([^"]+)">Older/.exec(text)?.[1]?.replaceAll("&amp;", "&")
    }
    const latestFirst = many(100)
      .map(({ id }) => id)
      .reverse()
    expect(seen).toEqual([...latestFirst, "unsigned"])
  })

  test("has no gap where many were signed at the same moment", async () => {
    const signed = "2026-01-01T00:00:00.000Z"
    const page = await open(discovered(many(60).map(({ id }) => ({ id, signed }))))
    const text = await (await page.ask("/browse")).text()
    const older = /href="([^"]+)">Older/.exec(text)![1]!.replaceAll("&amp;", "&")
    expect([...idsIn(text), ...idsIn(await (await page.ask(older)).text())]).toEqual(
      many(60).map(({ id }) => id),
    )
  })

  test("is filtered by day, doctor rank and modality", async () => {
    const page = await open(
      discovered([
        { id: "a", signed: "2026-03-01T23:59:59.999Z", rank: 2, modalities: " dx " },
        { id: "b", signed: "2026-03-01T00:00:00.000Z", rank: 3, modalities: "CR, dx" },
        { id: "c", signed: "2026-02-28T23:59:59.999Z", rank: 3, modalities: "CR" },
        { id: "d", signed: "2026-03-02T00:00:00.000Z", rank: 2, modalities: null },
      ]),
    )
    expect(await ids(page, "?day=2026-03-01")).toEqual(["a", "b"])
    expect(await ids(page, "?rank=3")).toEqual(["b", "c"])
    expect(await ids(page, "?modality=DX")).toEqual(["a", "b"])
    expect(await ids(page, "?modality=cr&rank=3&day=2026-02-28")).toEqual(["c"])
    expect(await ids(page, "?modality=D")).toEqual([])
    expect(await ids(page, "?modality=%25")).toHaveLength(4)
    expect(await ids(page, "?day=2026-02-30&rank=x&after=nonsense")).toHaveLength(4)
  })

  test("keeps its filter from one part to the next", async () => {
    const page = await open(discovered(many(60)))
    const text = await (await page.ask("/browse?rank=2&modality=CR")).text()
    expect(text).toMatch(/href="\/browse\?rank=2&amp;modality=CR&amp;after=[^"]+">Older/)
    expect(text).toContain("<option selected>CR")
  })

  test("looks through a bounded number of studies, says so, and goes on from there", () => {
    const known = [...many(30), { id: "rare", signed: "2025-01-01T00:00:00.000Z", rank: 9 }]
    using bench = discovered(known)
    const look = (after?: { signedAt: string; studyId: string }) =>
      browseStudies(bench.ledger, { doctorRank: 9 }, { after, limit: 48, lookAt: 10 })
    const first = look()
    expect(first).toMatchObject({ studies: [], gaveUpAfter: 10, next: { studyId: "s0020" } })
    const second = look(first.next)
    const third = look(second.next)
    expect(third).toMatchObject({ studies: [], next: { studyId: "s0000" } })
    const last = look(third.next)
    expect(last.studies.map(({ studyId }) => studyId)).toEqual(["rare"])
    expect(last.next).toBeUndefined()
    expect(last.gaveUpAfter).toBeUndefined()
  })

  test("shows a still of the first series, and a square of the same size where there is none", async () => {
    const bench = discovered([{ id: "later", signed: "2026-03-01T00:00:00.000Z" }])
    const page = await open(bench)
    const seriesNo = await page.packed("packed", "1.2.5", [{}])
    const text = await (await page.ask("/browse")).text()
    expect(text).toContain(
      `src="/series/${seriesNo}/thumbnail?still=1" width="256" height="256" loading="lazy"`,
    )
    expect(text).toContain(`<span class="picture without"><span>not copied yet</span></span>`)
    expect(text).not.toContain("<video")
  })

  test("says what to expect where there is nothing", async () => {
    const page = await open(testLedger())
    expect(await (await page.ask("/browse")).text()).toContain("No study has been discovered yet.")
    expect(await (await page.ask("/browse?rank=3")).text()).toContain("No study fits.")
  })

  test("escapes ids and modalities", async () => {
    const hostile = `"><script>alert(1)</script>`
    const page = await open(
      discovered([{ id: hostile, signed: "2026-03-01T00:00:00.000Z", modalities: hostile }]),
    )
    const text = await (await page.ask("/browse")).text()
    expect(text).toContain("SCRIPT")
    expect(text).not.toMatch(/<script>/i)
    expect(await ids(page)).toEqual([hostile])
  })
})

describe("a day", () => {
  test("begins and ends with the clocks of its zone, also when they are put forward or back", () => {
    expect(boundsOfDay("2026-07-01", "Europe/Berlin")).toEqual({
      from: "2026-06-30T22:00:00",
      before: "2026-07-01T22:00:00",
    })
    expect(boundsOfDay("2026-03-29", "Europe/Berlin")).toEqual({
      from: "2026-03-28T23:00:00",
      before: "2026-03-29T22:00:00",
    })
    expect(boundsOfDay("2026-10-25", "America/New_York")).toEqual({
      from: "2026-10-25T04:00:00",
      before: "2026-10-26T04:00:00",
    })
    expect(boundsOfDay("2026-04-05", "Australia/Sydney").from).toBe("2026-04-04T13:00:00")
    expect(boundsOfDay("2026-11-01", "America/New_York").before).toBe("2026-11-02T05:00:00")
  })

  test("is none that the calendar does not have", () => {
    expect(["2026-02-28", "2026-02-30", "2026-13-01", "20260228", "2026-02-28 ", null].map(dayIn)).toEqual([
      "2026-02-28",
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
    ])
  })
})
