import { createLogger } from "../../lib/support/log.ts"
import { silentProgress } from "../../lib/support/progress.ts"

/** What a script starts with but for its configuration; its log is written as always, to nobody. */
export const BENCH_START = {
  script: "bench",
  words: [],
  log: createLogger({ level: "INFO", redact: (text) => text, write: () => undefined }),
  progress: silentProgress,
  stop: { requested: new AbortController().signal, forced: new AbortController().signal },
  dryRun: false,
}
