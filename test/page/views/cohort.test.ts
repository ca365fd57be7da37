import { afterEach, describe, expect, test } from "bun:test"
import { completeCohort, type RankedDoctor, recordCohort } from "../../../lib/ledger/cohorts.ts"
import { SITE } from "../../../lib/page/site.ts"
import { DAY, newRun, type TestLedger, testLedger } from "../../support/ledger.ts"
import { openTestPage, type TestPage } from "../access/pages.ts"

let page: TestPage | undefined
afterEach(async () => {
  await page?.[Symbol.asyncDispose]()
  page = undefined
})

async function view(bench: TestLedger, path = "/cohort", env: Record<string, string> = {}): Promise<string> {
  page ??= await openTestPage(env, { bench, site: SITE })
  const response = await page.ask(path)
  expect(response.status).toBe(200)
  return (await response.text()).replaceAll("&#39;", "'")
}

const plain = (html: string) => html.replace(/<[^>]*>/g, " ").replace(/\s+/g, " ")

interface Decided {
  readonly users: readonly string[]
  readonly funnel?: readonly number[]
  readonly parameters?: Readonly<Record<string, unknown>>
  readonly rules?: string
}

const RULES = ["exists", "chest", "chosen_doctor"]

/** Chooses those of rank 2 and 3. */
function decided(
  { ledger, clock }: TestLedger,
  { users, funnel = [], parameters = {}, rules = "chest" }: Decided,
) {
  clock.advance(DAY)
  const ranking: RankedDoctor[] = users.map((userId, n) => {
    return { rank: n + 1, userId, studies: 1000 - n, chosen: n === 1 || n === 2 }
  })
  const id = recordCohort(ledger, {
    runId: newRun(ledger),
    rulesText: rules,
    parameters: { rank_from: 2, rank_to: 3, ...parameters },
    ranking,
    funnel: funnel.map((studies, n) => ({ rule: RULES[n]!, studies })),
  })
  completeCohort(ledger, id, {
    new: 7,
    changed: 1,
    unchanged: 40,
    withdrawn: 2,
    out_of_cohort: 0,
    eligible: 48,
  })
  return id
}

describe("The view of a cohort", () => {
  test("has the funnel in words, with what each rule left and took away, and since the one before", async () => {
    const bench = testLedger()
    decided(bench, { users: ["u1", "u2", "u3"], funnel: [5000, 1200, 40] })
    decided(bench, { users: ["u1", "u2", "u3"], funnel: [5010, 1200, 38] })
    const text = plain(await view(bench))
    expect(text).toContain("it is in the database 5,010 +10")
    expect(text).toContain("it is a chest study 1,200 3,810 same")
    expect(text).toContain("a chosen doctor signed one of them 38 1,162 −2")
    expect(text).toContain("Since cohort 2")
    expect(text).toContain("first seen 7 studies")
  })

  test("has the ranking, who was chosen, the parameters and the rules", async () => {
    const bench = testLedger()
    const parameters = { tolerated_modalities: ["SR", "PR"], limit: 20 }
    decided(bench, { users: ["u1", "u2", "u3"], parameters, rules: "what counts" })
    const text = await view(bench)
    expect(plain(text)).toContain("1 u1 1,000 2 u2 999 chosen 3 u3 998 chosen")
    expect(plain(text)).toContain("modalities tolerated beside CR and DX SR, PR")
    expect(plain(text)).toContain("at most so many studies 20")
    expect(text).toContain("what counts")
    const hash = new Bun.CryptoHasher("sha256").update("what counts").digest("hex").slice(0, 16)
    expect(text).toContain(hash)
  })

  test("has the doctors and parameters that came and went, and how to see which studies", async () => {
    const bench = testLedger()
    decided(bench, { users: ["u1", "u2", "u3", "u4"] })
    decided(bench, { users: ["u1", "u3", "u4", "u2"], parameters: { limit: 5 }, rules: "others" })
    const text = plain(await view(bench))
    expect(text).toContain("The text of the rules is another one.")
    expect(text).toContain("at most so many studies none became 5")
    expect(text).toContain("u3 stayed 3 2")
    expect(text).toContain("u4 came 4 3")
    expect(text).toContain("u2 went 2 4")
    expect(text).toContain("bun run cohorts diff 2 3")
  })

  test("is of the cohort that is chosen", async () => {
    const bench = testLedger()
    decided(bench, { users: ["old"] })
    decided(bench, { users: ["new"] })
    expect(await view(bench)).toContain('<option value="3" selected>3: 3 Mar 2026, 02:00</option>')
    const text = await view(bench, "/cohort?cohort=2")
    expect(text).toContain('<option value="2" selected>')
    expect(text).toContain("old")
    for (const unknown of ["99", "0", "x", "1.5"])
      expect((await page!.ask(`/cohort?cohort=${unknown}`)).status).toBe(404)
  })

  test("says that its doctors are pinned, and that the next one's will be", async () => {
    const bench = testLedger()
    decided(bench, { users: ["u"], parameters: { pinned_cohort: 1 } })
    const text = plain(await view(bench, "/cohort", { COHORT_PIN: "2" }))
    expect(text).toContain("Its doctors are those of cohort 1; nobody was ranked anew.")
    expect(text).toContain("COHORT_PIN is 2")
  })

  test("is bounded: many doctors, many cohorts, many named studies", async () => {
    const bench = testLedger()
    const users = Array.from({ length: 2000 }, (_, n) => `user-${n}`)
    for (let n = 0; n < 100; n++) decided(bench, { users: ["u"] })
    decided(bench, { users, parameters: { study_ids: users } })
    const text = await view(bench)
    expect(text.length).toBeLessThan(60_000)
    expect(plain(text)).toContain("the first 10 of 2,000")
    expect(plain(text)).toContain("only these studies 2,000 of them")
    expect(text.match(/<option/g)).toHaveLength(60)
  })

  test("shows what comes from outside as text", async () => {
    const bench = testLedger()
    const script = "<script>alert(1)</script>"
    decided(bench, { users: [script, "b"], parameters: { [script]: script }, rules: script })
    decided(bench, { users: ["b", script], funnel: [1], parameters: { [script]: [script] } })
    expect(await view(bench)).not.toContain("<script>alert")
  })

  test("says so before the first discovery, and of one that did not end", async () => {
    const bench = testLedger()
    expect(plain(await view(bench))).toContain("The discovery did not get to its end")
    bench.ledger.db.run("delete from cohorts")
    expect(plain(await view(bench))).toContain("No discovery yet.")
  })
})
