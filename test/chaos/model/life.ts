import type { Ledger } from "../../../lib/ledger/open.ts"
import type { Pacs } from "../../../lib/source/pacs.ts"
import type { ObjectSource, ObjectStore } from "../../../lib/storage/store.ts"

/** What becomes of a process at one of its operations, which are counted before and behind each of them. */
export interface Fate {
  readonly at: number
  /** What goes on in the rest of the world while the process waits; without it, it dies. */
  readonly meanwhile?: () => Promise<void>
}

export interface Life {
  readonly isDead: boolean
  assertAlive(): void
  /** Before or behind an operation that is done when it returns. */
  pass(): void
  /** Before or behind one that is waited for: here something else may come in between. */
  passWaiting(): Promise<void>
}

/** The life of one process. Once it is dead, whatever it still tries throws and has no effect. */
export function life(fate: Fate | undefined): Life {
  let operations = 0
  let isDead = false
  let isStruck = false

  const assertAlive = () => {
    if (isDead) throw new Error("this process is dead")
  }
  const pass = () => {
    assertAlive()
    operations++
    isDead = fate !== undefined && fate.meanwhile === undefined && operations >= fate.at
    assertAlive()
  }
  return {
    get isDead() {
      return isDead
    },
    assertAlive,
    pass,
    async passWaiting() {
      pass()
      if (fate?.meanwhile === undefined || isStruck || operations < fate.at) return
      isStruck = true
      await fate.meanwhile()
    },
  }
}

/** The ledger as a process has it: it may die before and behind each transaction. */
export function mortalLedger(ledger: Ledger, life: Life): Ledger {
  const alive = () => {
    life.assertAlive()
    return ledger
  }
  return {
    path: ledger.path,
    id: ledger.id,
    clock: ledger.clock,
    get db() {
      return alive().db
    },
    now: () => alive().now(),
    read: (work) => alive().read(work),
    write(work) {
      if (ledger.db.inTransaction) return alive().write(work)
      life.pass()
      const result = ledger.write(work)
      life.pass()
      return result
    },
    [Symbol.dispose]() {},
  }
}

export function mortalPacs(pacs: Pacs, life: Life): Pacs {
  return {
    ...pacs,
    snapshot: (work, signal) => around(life, () => pacs.snapshot(work, signal)),
    study: (id, doctors, signal) => around(life, () => pacs.study(id, doctors, signal)),
    reportContent: (id, signal) => around(life, () => pacs.reportContent(id, signal)),
  }
}

export function mortalSource<S extends ObjectSource>(store: S, life: Life): S {
  return {
    ...store,
    head: (key, signal) => around(life, () => store.head(key, signal)),
    async read(key, options, signal) {
      await life.passWaiting()
      const body = await store.read(key, options, signal)
      try {
        await life.passWaiting()
      } catch (error) {
        await body.stream.cancel()
        throw error
      }
      return body
    },
    async *list(prefix, signal) {
      await life.passWaiting()
      for await (const info of store.list(prefix, signal)) {
        await life.passWaiting()
        yield info
      }
    },
  }
}

export function mortalStore(store: ObjectStore, life: Life): ObjectStore {
  return {
    ...mortalSource(store, life),
    write: (key, body, options, signal) => around(life, () => store.write(key, body, options, signal)),
    delete: (key, options, signal) => around(life, () => store.delete(key, options, signal)),
  }
}

async function around<T>(life: Life, operation: () => Promise<T>): Promise<T> {
  await life.passWaiting()
  const result = await operation()
  await life.passWaiting()
  return result
}
