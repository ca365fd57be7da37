import { asAdmin, ensurePacsDatabase, type PacsAccess } from "../../lib/demo/pacs-database.ts"
import { type PostgresServer, startPostgres } from "../../lib/demo/postgres.ts"
import { bytes, count, table } from "../../lib/support/text.ts"
import reference from "./discover.sql" with { type: "text" }
import fill from "./discover-fill.sql" with { type: "text" }
import type { DiscoverStepSetup } from "./discover-step.ts"
import { medianOf, scratchFolder } from "./measure.ts"
import { benchOptions } from "./options.ts"
import { type Round, startWorker } from "./worker.ts"

/** At most so many times the reference query, and so much memory. */
const LIMITS = { first: 2, again: 1.5, rssBytes: 250e6 }

const DATABASE = "pacs"

const HELP = `Compares discovery with a reference query of the same rules (test/bench/discover.sql), whose rows the server
throws away. A PostgreSQL of its own is filled with studies, every fifth eligible; each repeat is the query, a first
discovery into a new ledger, and one that finds the same again. Takes some minutes and 1.5 GB of disk.`

const options = benchOptions("bench:discover", HELP, { repeats: 3, studies: 1_000_000 })
if (options !== undefined) {
  const { repeats, studies, json } = options
  await using server = await startPostgres({ settings: { shared_buffers: "256MB" } })
  const access = await filledDatabase(server, studies)
  using folder = scratchFolder()
  await using discovery = startWorker("discover-step.ts", {
    env: environmentOf(access),
    folder: folder.path,
    eligible: eligibleOf(studies),
  } satisfies DiscoverStepSetup)
  const seconds: number[] = []
  const first: Round[] = []
  const again: Round[] = []
  for (let repeat = 0; repeat < repeats; repeat++) {
    seconds.push(await referenceSeconds(server))
    first.push(await discovery.round())
    again.push(await discovery.round())
  }
  const baseline = medianOf(seconds)
  const sides = [
    { name: "first discovery", rounds: first, limit: LIMITS.first },
    { name: "unchanged", rounds: again, limit: LIMITS.again },
  ].map(({ name, rounds, limit }) => {
    const median = medianOf(rounds.map((round) => round.seconds))
    const peakRssBytes = Math.max(...rounds.map((round) => round.peakRssBytes))
    const ratio = median / baseline
    return {
      name,
      seconds: median,
      ratio,
      limit,
      peakRssBytes,
      passed: ratio <= limit && peakRssBytes <= LIMITS.rssBytes,
    }
  })
  if (json) console.log(JSON.stringify({ studies, reference_seconds: baseline, sides }, undefined, 2))
  else {
    const rows = sides.map(({ name, seconds, ratio, limit, peakRssBytes }) => [
      name,
      seconds.toFixed(1),
      ratio.toFixed(2),
      limit.toFixed(1),
      bytes(peakRssBytes),
    ])
    console.log(`discover: ${count(studies)} studies, every fifth eligible, medians of ${repeats}`)
    console.log(
      table(
        ["", "seconds", "ratio", "limit", "peak RSS"],
        [["reference query", baseline.toFixed(1)], ...rows],
      ),
    )
    for (const { name, passed } of sides) console.log(`${passed ? "ok" : "FAILED"}: ${name}`)
  }
  process.exitCode = sides.every(({ passed }) => passed) ? 0 : 1
}

/** Of so many studies numbered from 1: those whose number leaves 0, 1 or 2 when divided by 15. */
function eligibleOf(studies: number): number {
  return 3 * Math.floor(studies / 15) + Math.min(studies % 15, 2)
}

async function filledDatabase(server: PostgresServer, studies: number): Promise<PacsAccess> {
  const access = await ensurePacsDatabase(server, DATABASE)
  await asAdmin(server, DATABASE, async (sql) => {
    await sql.unsafe(`set bench.studies = ${studies}`)
    await sql.unsafe(fill)
    await sql.unsafe("vacuum analyze")
  })
  return access
}

async function referenceSeconds(server: PostgresServer): Promise<number> {
  return await asAdmin(server, DATABASE, async (sql) => {
    const startedAt = performance.now()
    await sql.unsafe(`copy (${reference}) to '/dev/null'`)
    return (performance.now() - startedAt) / 1000
  })
}

/** The database, and the ranks that the reference query chooses. */
function environmentOf({ host, port, database, user, password }: PacsAccess) {
  return {
    SOURCE_DATABASE_HOST: host,
    SOURCE_DATABASE_PORT: String(port),
    SOURCE_DATABASE_NAME: database,
    SOURCE_DATABASE_USER: user,
    SOURCE_DATABASE_PASS: password,
    SOURCE_DATABASE_SSLMODE: "disable",
    RANK_FROM: "2",
    RANK_TO: "10",
  }
}
