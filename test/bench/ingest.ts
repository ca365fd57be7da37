import { startCloudProcess } from "../../lib/demo/cloud/remote.ts"
import { bytes, table } from "../../lib/support/text.ts"
import type { IngestStepSetup } from "./ingest-step.ts"
import { fillIngestOrigin, type IngestWorkload } from "./ingest-workload.ts"
import { medianOf, scratchFolder } from "./measure.ts"
import { benchOptions } from "./options.ts"
import { type Round, startWorker } from "./worker.ts"

const HELP = `Compares a run, which packs the series of each study that it copied, with the copy alone, without thumbnails and with
them: the real steps, each with a ledger at FULL, in a process of its own, by turns; medians are told. Both begin behind the discovery. A study has
two images, which are one series. S3 and GCS are a stand-in in a third process; nothing leaves this machine.`

/** What packing may add to the time of a copy. */
const MOST_ADDED = 0.4

const options = benchOptions("bench:ingest", HELP, { repeats: 7, studies: 30 })
if (options !== undefined) {
  const { repeats, studies } = options
  const large = { what: "images of 12 MB", rows: 3000, columns: 2000, studies }
  const small = { what: "images of 20 kB", rows: 100, columns: 100, studies: 20 * studies }
  const results = [await compare(large, repeats), await compare(small, repeats)]
  const passed = results[0]!.pack.added <= MOST_ADDED
  if (options.json) console.log(JSON.stringify({ results, most_added: MOST_ADDED, passed }, undefined, 2))
  else {
    for (const result of results) console.log(`${render(result, repeats)}\n`)
    const demand = `at most ${percent(MOST_ADDED)} are wanted with images of 12 MB`
    console.log(`${passed ? "ok" : "FAILED"}: packing adds ${percent(results[0]!.pack.added)}, ${demand}`)
  }
  process.exitCode = passed ? 0 : 1
}

interface Side {
  readonly studies_per_minute: number
  /** Of the process, all its threads. */
  readonly cpu_seconds_per_study: number
  readonly peak_rss_bytes: number
}

interface Comparison {
  readonly what: string
  readonly studies: number
  readonly copy: Side
  readonly pack: Compared
  readonly draw: Compared
}

interface Compared extends Side {
  /** Time that it adds, as a part of the copy's: the median of each round's. */
  readonly added: number
}

/** A first round of each is not counted: it opens connections and warms up the compiler. */
async function compare(workload: IngestWorkload, repeats: number): Promise<Comparison> {
  await using cloud = await startCloudProcess({ faults: false, logEntries: false, sink: "discard" })
  await fillIngestOrigin(cloud, workload)
  using folder = scratchFolder()
  const side = (does: IngestStepSetup["does"]) =>
    startWorker("ingest-step.ts", { url: cloud.url, workload, folder: folder.path, does })
  await using copy = side("copy")
  await using pack = side("copy and pack")
  await using draw = side("copy, pack and draw")
  const rounds: { readonly copy: Round; readonly pack: Round; readonly draw: Round }[] = []
  for (let repeat = 0; repeat <= repeats; repeat++) {
    rounds.push({ copy: await copy.round(), pack: await pack.round(), draw: await draw.round() })
  }
  const counted = rounds.slice(1)
  const told = (which: "copy" | "pack" | "draw") =>
    sideOf(
      workload,
      counted.map((round) => round[which]),
    )
  const compared = (which: "pack" | "draw"): Compared => ({
    ...told(which),
    added: medianOf(counted.map((round) => round[which].seconds / round.copy.seconds - 1)),
  })
  const { what, studies } = workload
  return { what, studies, copy: told("copy"), pack: compared("pack"), draw: compared("draw") }
}

function sideOf({ studies }: IngestWorkload, rounds: readonly Round[]): Side {
  return {
    studies_per_minute: (60 * studies) / medianOf(rounds.map(({ seconds }) => seconds)),
    cpu_seconds_per_study: medianOf(rounds.map(({ cpuSeconds }) => cpuSeconds)) / studies,
    peak_rss_bytes: Math.max(...rounds.map(({ peakRssBytes }) => peakRssBytes)),
  }
}

function render({ what, studies, copy, pack, draw }: Comparison, repeats: number): string {
  const row = (name: string, side: Side, ratio: string) => [
    name,
    Math.round(side.studies_per_minute),
    ratio,
    side.cpu_seconds_per_study.toFixed(4),
    bytes(side.peak_rss_bytes),
  ]
  return [
    `ingest: ${what}, two a study and series, rounds of ${studies} studies, medians of ${repeats}`,
    table(
      ["", "studies/min", "time", "CPU s/study", "peak RSS"],
      [
        row("copy alone", copy, "1.00"),
        row("run without thumbnails", pack, (1 + pack.added).toFixed(2)),
        row("run", draw, (1 + draw.added).toFixed(2)),
      ],
    ),
  ].join("\n")
}

function percent(part: number): string {
  return `${Math.round(100 * part)} %`
}
