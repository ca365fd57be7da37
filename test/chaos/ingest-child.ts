/**
 * A run that is killed ahead of its nth await between an intent and its result, be it a call of a store or a commit of the
 * ledger: `bun ingest-child.ts N SETTINGS`. Says "ready" and begins at the end of its standard input. One that ends says
 * how many there were.
 */
import type { GroupCommit } from "../../lib/ledger/group-commit.ts"
import type { RunDeps } from "../../lib/pipeline/run.ts"
import type { ObjectSource, ObjectStore } from "../../lib/storage/store.ts"
import { runHere } from "./ingest-run.ts"

const [number = "", settings = "{}"] = process.argv.slice(2)
const awaits = { store: 0, commit: 0 }

/** To be called ahead of each. */
function step(kind: keyof typeof awaits) {
  awaits[kind] += 1
  if (awaits.store + awaits.commit === Number(number)) process.kill(process.pid, "SIGKILL")
}

/** A call whose answer came is one with the next that is about to be made: so one stop for each is enough. */
function stoppingSource<Source extends ObjectSource>(source: Source): Source {
  return {
    ...source,
    head(...args) {
      step("store")
      return source.head(...args)
    },
    read(...args) {
      step("store")
      return source.read(...args)
    },
    list(...args) {
      step("store")
      return source.list(...args)
    },
  }
}

function stoppingStore(store: ObjectStore): ObjectStore {
  return {
    ...stoppingSource(store),
    write(...args) {
      step("store")
      return store.write(...args)
    },
    delete(...args) {
      step("store")
      return store.delete(...args)
    },
  }
}

function stoppingCommits({ add }: GroupCommit): GroupCommit {
  return {
    add(write) {
      step("commit")
      return add(write)
    },
  }
}

function stopping(deps: RunDeps): RunDeps {
  const destination = stoppingStore(deps.destination)
  const commits = stoppingCommits(deps.commits)
  const datastore = stoppingStore(deps.ingest.datastore)
  const ingest = { ...deps.ingest, destination, commits, datastore }
  return { ...deps, origin: stoppingSource(deps.origin), destination, commits, ingest }
}

process.stderr.write("ready\n")
await Bun.stdin.text()

await runHere(JSON.parse(settings), stopping)
process.stdout.write(JSON.stringify(awaits))
