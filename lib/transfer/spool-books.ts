import { Database, SQLiteError } from "bun:sqlite"
import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from "node:fs"
import { join } from "node:path"
import { AppError } from "../support/errors.ts"
import { isDead, type Owner, thisProcess } from "../support/owner.ts"
import { useWal } from "../support/wal.ts"

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

/**
 * Who has how much room in a spool, and who waits for it. None of it takes longer the more files there are. All of it
 * belongs into `exclusively`, and throws SpoolUnusable.
 */
export interface SpoolBooks extends Disposable {
  exclusively<T>(work: () => T): T
  /** Takes a place in the queue. */
  ask(identity: string, bytes: number): number
  /**
   * Room goes in the order of asking: nobody overtakes, so that a large body does not wait for ever. Files that dead
   * processes left give way when room is short, but for one of the same body, which is adopted.
   * @returns the path of the file, or how many bytes the first in the queue lacks
   */
  grant(placeId: number): { readonly path: string } | { readonly lacking: number }
  /** Gives room, or a place in the queue, back. */
  giveBack(placeId: number): void
}

const BUSY_TIMEOUT_MS = 30_000

// Beside the folder, not in it: when nothing is under way the folder is empty.
const SCHEMA = `
  create table if not exists owners (
    owner_id       integer primary key,
    host           text not null,
    boot_id        text not null,
    pid            integer not null,
    process_start  text not null,
    held           integer not null default 0           -- bytes of its places that are granted
  ) strict;
  create table if not exists rooms (
    place_id       integer primary key autoincrement,   -- the order of asking
    owner_id       integer not null,
    identity       text not null,
    bytes          integer not null,
    granted        integer not null default 0
  ) strict;
  create index if not exists rooms_queue on rooms (place_id) where granted = 0;
  create index if not exists rooms_owners on rooms (owner_id)`

/** @param dir made when it is not there; the books lie beside it as `{dir}.sqlite` */
export function openBooks(dir: string, capacity: number): SpoolBooks {
  const db = guarded(dir, () => openDatabase(dir))
  const exclusively = <T>(work: () => T): T => guarded(dir, () => db.transaction(work).immediate())
  const ownerId = exclusively(() => enter(db, thisProcess()))
  const strays = strayFiles(db, dir)

  return {
    exclusively,
    ask: (identity, bytes) =>
      db
        .query<{ place_id: number }, Record<string, string | number>>(
          "insert into rooms (owner_id, identity, bytes) values ($ownerId, $identity, $bytes) returning place_id",
        )
        .get({ ownerId, identity, bytes })!.place_id,
    grant(placeId) {
      dropDead(db, ownerId)
      const held = heldBytes(db)
      const first = firstWaiting(db)!
      const { identity, bytes } = first
      if (held > 0 && held + bytes > capacity) return { lacking: held + bytes - capacity }
      if (first.placeId !== placeId) return { lacking: 0 }
      const path = join(dir, fileName(placeId, identity))
      strays.adopt(identity, path)
      strays.fitInto(capacity - held - bytes)
      db.query("update rooms set granted = 1 where place_id = $placeId").run({ placeId })
      hold(db, ownerId, bytes)
      return { path }
    },
    giveBack(placeId) {
      const given = db
        .query<{ bytes: number; granted: 0 | 1 }, { placeId: number }>(
          "delete from rooms where place_id = $placeId returning bytes, granted",
        )
        .get({ placeId })
      if (given?.granted === 1) hold(db, ownerId, -given.bytes)
    },
    [Symbol.dispose]() {
      exclusively(() => {
        dropDead(db, ownerId)
        strays.fitInto(0)
        leave(db, ownerId)
      })
      db.close()
    },
  }
}

function openDatabase(dir: string): Database {
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

function enter(db: Database, owner: Owner): number {
  return db
    .query<{ owner_id: number }, Record<string, string | number>>(
      `insert into owners (host, boot_id, pid, process_start) values ($host, $bootId, $pid, $processStart)
       returning owner_id`,
    )
    .get({ ...owner })!.owner_id
}

/** Who goes while it still has places has them until its process is gone. */
function leave(db: Database, ownerId: number) {
  db.query(
    "delete from owners where owner_id = $ownerId and owner_id not in (select owner_id from rooms)",
  ).run({ ownerId })
}

function hold(db: Database, ownerId: number, bytes: number) {
  db.query("update owners set held = held + $bytes where owner_id = $ownerId").run({ ownerId, bytes })
}

function heldBytes(db: Database): number {
  return db.query<{ held: number }, []>("select coalesce(sum(held), 0) as held from owners").get()!.held
}

function firstWaiting(db: Database) {
  return db
    .query<{ placeId: number; identity: string; bytes: number }, []>(
      "select place_id as placeId, identity, bytes from rooms where granted = 0 order by place_id limit 1",
    )
    .get()
}

function dropDead(db: Database, self: number) {
  // Whether a process lives is asked of the system: mostly there is no other one to ask for.
  const others = db
    .query<Owner & { ownerId: number }, { self: number }>(
      `select owner_id as ownerId, host, boot_id as bootId, pid, process_start as processStart from owners
       where owner_id <> $self`,
    )
    .all({ self })
  for (const { ownerId, ...owner } of others) {
    if (!isDead(owner)) continue
    db.query("delete from rooms where owner_id = $ownerId").run({ ownerId })
    db.query("delete from owners where owner_id = $ownerId").run({ ownerId })
    db.run(`pragma user_version = ${deaths(db) + 1}`)
  }
}

/** How often places of a dead process were dropped, by whichever process: only then files become strays. */
function deaths(db: Database): number {
  return db.query<{ user_version: number }, []>("pragma user_version").get()!.user_version
}

/** Files whose place is gone: their owner died. */
interface StrayFiles {
  /** Renames the longest one that holds the same body. */
  adopt(identity: string, path: string): void
  /** Removes them all unless they fit. */
  fitInto(bytes: number): void
}

function strayFiles(db: Database, dir: string): StrayFiles {
  let seen: number | undefined
  let known: Stray[] = []
  const now = () => {
    const deathsNow = deaths(db)
    if (deathsNow !== seen) known = listStrays(db, dir)
    seen = deathsNow
    // Another process may have taken one, or removed it.
    known = known.filter(({ name }) => existsSync(join(dir, name)))
    return known
  }
  return {
    adopt(identity, path) {
      const [longest] = now()
        .filter((stray) => stray.identity === identity)
        .sort((a, b) => b.bytes - a.bytes)
      if (longest !== undefined) renameSync(join(dir, longest.name), path)
    },
    fitInto(bytes) {
      const strays = now()
      if (strays.reduce((sum, stray) => sum + stray.bytes, 0) <= bytes) return
      for (const { name } of strays) rmSync(join(dir, name), { force: true })
    },
  }
}

interface Stray {
  readonly name: string
  readonly identity: string
  readonly bytes: number
}

function listStrays(db: Database, dir: string): Stray[] {
  const rows = db.query<{ place_id: number; identity: string }, []>("select place_id, identity from rooms")
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
