import { Database, SQLiteError } from "bun:sqlite"
import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from "node:fs"
import { join } from "node:path"
import { type Clock, systemClock } from "../support/clock.ts"
import { AppError } from "../support/errors.ts"
import { isDead, type Owner, thisProcess } from "../support/owner.ts"
import { useWal } from "../support/wal.ts"

/**
 * A folder for bodies on their way, bounded over all processes that share it. Who is there first is served first; a
 * body larger than the whole spool passes alone. Files of dead processes are adopted by whoever wants the same body,
 * else removed.
 */
export interface Spool extends Disposable {
  readonly dir: string
  /** A place at once, or undefined when one has to wait for it. */
  tryPlace(identity: string, bytes: number): SpoolPlace | undefined
  /** Waits for room. Rejects with the signal's reason. */
  place(identity: string, bytes: number, signal?: AbortSignal): Promise<SpoolPlace>
}

/** Room for one body; disposing it removes the file and gives the room back. */
export interface SpoolPlace extends Disposable {
  /** Mostly there is no file yet; a dead process may have left the beginning of this very body. */
  readonly path: string
  /** Removes the file and keeps the room. */
  clear(): void
}

/** The spool's book-keeping failed: bodies have no bounded place any more. */
export class SpoolUnusable extends AppError {
  constructor(dir: string, cause: SQLiteError) {
    super(`the spool's book-keeping failed: ${dir}.sqlite`, {
      verdict: "stop",
      cause,
      hint: "Check SPOOL_DIR, its rights and its disk; while no script runs, the file may be removed.",
    })
  }
}

export interface SpoolOptions {
  readonly dir: string
  /** Bytes in all. */
  readonly capacity: number
  readonly clock?: Clock
}

/** How often a waiting process looks whether another has made room. */
const POLL_MS = 50

const BUSY_TIMEOUT_MS = 30_000

// Beside the folder, not in it: when nothing is under way the folder is empty.
const SCHEMA = `
  create table if not exists places (
    place_id       integer primary key autoincrement,   -- the order of asking
    identity       text not null,
    bytes          integer not null,
    granted        integer not null default 0,
    host           text not null,
    boot_id        text not null,
    pid            integer not null,
    process_start  text not null
  ) strict`

/**
 * Opens the spool. What dead processes left in it is there for the taking; what nobody took is removed when it is closed.
 * @param options.dir made when it is not there; its book-keeping lies beside it as `{dir}.sqlite`
 */
export function openSpool({ dir, capacity, clock = systemClock }: SpoolOptions): Spool {
  const db = guarded(dir, () => openBooks(dir))
  const owner = thisProcess()
  const waiters = new Set<() => void>()

  const exclusively = <T>(work: () => T): T => guarded(dir, () => db.transaction(work).immediate())

  const ask = (identity: string, bytes: number) =>
    db
      .query<{ place_id: number }, Record<string, string | number>>(
        `insert into places (identity, bytes, host, boot_id, pid, process_start)
         values ($identity, $bytes, $host, $bootId, $pid, $processStart) returning place_id`,
      )
      .get({ identity, bytes, ...owner })!.place_id

  const giveBack = (placeId: number) => {
    exclusively(() => db.query("delete from places where place_id = $placeId").run({ placeId }))
    for (const wake of waiters) wake()
  }

  const open = (placeId: number, identity: string): SpoolPlace => {
    const path = join(dir, fileName(placeId, identity))
    adopt(db, dir, path, identity)
    return {
      path,
      clear: () => rmSync(path, { force: true }),
      [Symbol.dispose]: () => {
        rmSync(path, { force: true })
        giveBack(placeId)
      },
    }
  }

  const ifGranted = (placeId: number, identity: string) =>
    grant(db, dir, owner, placeId, capacity) ? open(placeId, identity) : undefined

  return {
    dir,
    tryPlace(identity, bytes) {
      return exclusively(() => {
        const placeId = ask(identity, bytes)
        const place = ifGranted(placeId, identity)
        if (place === undefined) db.query("delete from places where place_id = $placeId").run({ placeId })
        return place
      })
    },
    async place(identity, bytes, signal) {
      signal?.throwIfAborted()
      const placeId = exclusively(() => ask(identity, bytes))
      try {
        for (;;) {
          const place = exclusively(() => ifGranted(placeId, identity))
          if (place !== undefined) return place
          await roomOrPoll(waiters, clock, signal)
        }
      } catch (error) {
        giveBack(placeId)
        throw error
      }
    },
    [Symbol.dispose]: () => {
      exclusively(() => {
        dropDeadPlaces(db, owner)
        for (const stray of straysOf(db, dir)) rmSync(join(dir, stray.name), { force: true })
      })
      db.close()
    },
  }
}

function openBooks(dir: string): Database {
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  const path = `${dir}.sqlite`
  const isNew = !existsSync(path)
  const db = new Database(path, { create: true, strict: true })
  // Before SQLite makes the files beside it, which get the same mode.
  if (isNew) chmodSync(path, 0o600)
  db.run(`pragma busy_timeout = ${BUSY_TIMEOUT_MS}`)
  // Its rows mean nothing after a power loss: the owners are dead then.
  db.run("pragma synchronous = off")
  useWal(db, BUSY_TIMEOUT_MS)
  db.run(SCHEMA)
  return db
}

function guarded<T>(dir: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw error instanceof SQLiteError ? new SpoolUnusable(dir, error) : error
  }
}

/**
 * Room goes in the order of asking: nobody overtakes, so that a large body does not wait for ever. Files that dead
 * processes left give way when room is short.
 */
function grant(db: Database, dir: string, owner: Owner, placeId: number, capacity: number): boolean {
  dropDeadPlaces(db, owner)
  const { held, waiting, bytes, identity } = db
    .query<{ held: number; waiting: number; bytes: number; identity: string }, { placeId: number }>(
      `select mine.bytes, mine.identity,
         (select coalesce(sum(bytes), 0) from places where granted = 1) as held,
         (select count(*) from places where granted = 0 and place_id < mine.place_id) as waiting
       from places mine where place_id = $placeId`,
    )
    .get({ placeId })!
  if (waiting > 0 || (held > 0 && held + bytes > capacity)) return false
  const strays = straysOf(db, dir).filter((stray) => stray.identity !== identity)
  if (held + bytes + strays.reduce((sum, stray) => sum + stray.bytes, 0) > capacity) {
    for (const stray of strays) rmSync(join(dir, stray.name), { force: true })
  }
  db.query("update places set granted = 1 where place_id = $placeId").run({ placeId })
  return true
}

function dropDeadPlaces(db: Database, self: Owner) {
  // Whether a process lives is asked of the system: mostly there is no other one to ask for.
  const others = db.query<Owner, Record<string, string | number>>(
    `select host, boot_id as bootId, pid, process_start as processStart from places
     except select $host, $bootId, $pid, $processStart`,
  )
  for (const owner of others.all({ ...self }).filter(isDead)) {
    db.query(
      `delete from places where host = $host and boot_id = $bootId and pid = $pid and process_start = $processStart`,
    ).run({ ...owner })
  }
}

/** Takes over the longest file that no living place owns and that holds the same body. */
function adopt(db: Database, dir: string, path: string, identity: string) {
  const [longest] = straysOf(db, dir)
    .filter((stray) => stray.identity === identity)
    .sort((a, b) => b.bytes - a.bytes)
  if (longest !== undefined) renameSync(join(dir, longest.name), path)
}

interface Stray {
  readonly name: string
  readonly identity: string
  readonly bytes: number
}

/** Files whose place is gone: their owner died. */
function straysOf(db: Database, dir: string): Stray[] {
  const rows = db.query<{ place_id: number; identity: string }, []>("select place_id, identity from places")
  const living = new Set(rows.all().map(({ place_id, identity }) => fileName(place_id, identity)))
  return readdirSync(dir)
    .filter((name) => /^\d+\.[0-9a-f]+$/.test(name) && !living.has(name))
    .map((name) => ({
      name,
      identity: name.slice(name.indexOf(".") + 1),
      bytes: statSync(join(dir, name)).size,
    }))
}

function fileName(placeId: number, identity: string) {
  return `${placeId}.${identity}`
}

async function roomOrPoll(waiters: Set<() => void>, clock: Clock, signal?: AbortSignal) {
  const { promise, resolve } = Promise.withResolvers<void>()
  waiters.add(resolve)
  const stop = new AbortController()
  const linked = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal])
  try {
    await Promise.race([promise, clock.delay(POLL_MS, linked)])
  } finally {
    waiters.delete(resolve)
    stop.abort()
  }
}
