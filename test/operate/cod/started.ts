import type { CodStart } from "../../../lib/operate/cod/start.ts"
import { runVerb, type VerbOptions } from "../../../lib/operate/cod/verbs.ts"
import { createLogger } from "../../../lib/support/log.ts"
import type { Progress } from "../../../lib/support/progress.ts"

/** What a verb said, both ways, and how it ended. */
export interface Said<Document> {
  readonly exitCode: number
  readonly document: Document
  readonly text: string
  /** What a person at a terminal saw moving. */
  readonly progress: readonly string[]
}

/** Runs a verb in this process, as the script does. */
export async function verb<Document>(
  words: readonly string[],
  options: Partial<VerbOptions> = {},
  config: Partial<CodStart["config"]> = {},
): Promise<Said<Document>> {
  let said: { document: Document; text: string } | undefined
  const steps: string[] = []
  const start: CodStart = {
    config: { s3: NO_KEYS, gcs: { credentialsPath: undefined, emulatorUrl: undefined }, cod: COD, ...config },
    log: createLogger({ level: "ERROR", redact: (text) => text, write: () => {} }),
    stop: { requested: new AbortController().signal, forced: new AbortController().signal },
    progress: recorded(steps),
    json: true,
    async print(report, render) {
      said = { document: JSON.parse(JSON.stringify(report)), text: render(report) }
    },
  }
  const exitCode = await runVerb(start, words, { ...NO_OPTIONS, ...options })
  if (said === undefined) throw new Error("the verb printed nothing")
  return { exitCode, ...said, progress: steps }
}

const COD: CodStart["config"]["cod"] = {
  lockNames: [".cod.lock", ".gradient.lock"],
  metadataVersion: "2.0",
  uidHashKey: undefined,
}

const NO_OPTIONS: VerbOptions = {
  frame: undefined,
  quick: false,
  dryRun: false,
  lockNames: undefined,
  metadataVersion: undefined,
  remove: false,
  dropLost: false,
  clear: false,
  message: undefined,
  generation: undefined,
  why: undefined,
  out: undefined,
  make: false,
  window: undefined,
  size: undefined,
  limit: undefined,
}

const NO_KEYS = {
  accessKeyId: undefined,
  secretAccessKey: undefined,
  sessionToken: undefined,
  profile: undefined,
  region: undefined,
  endpoint: undefined,
}

function recorded(steps: string[]): Progress {
  return {
    start: (total, unit) => steps.push(`${total} ${unit}`),
    tick: (done = 1) => steps.push(`+${done}`),
    stop: () => steps.push("end"),
  }
}
