import { expect, test } from "bun:test"
import { describeLock, foundLock } from "../../../lib/cod/locking/found.ts"
import { lockFolder } from "../../../lib/cod/locking/names.ts"
import { metadataOf, thisOwner } from "../../../lib/cod/locking/owner.ts"
import { openFileStore } from "../../../lib/storage/file.ts"
import { placeIn } from "./sites.ts"

const AT = new Date("2026-01-01T12:00:00Z")
const LATER = new Date("2026-01-01T12:03:20Z")

using store = openFileStore("/nowhere")
const folder = lockFolder(store, placeIn(store))

const found = (name: string, metadata: Readonly<Record<string, string>>, updated?: Date) =>
  foundLock(folder, name, {
    key: folder.keyOf(name),
    size: 1,
    generation: "5",
    metadata,
    ...(updated && { updated }),
  })

test("A lock is described by program, process, host and age", () => {
  const owner = { ...thisOwner(), tool: "archive/3", host: "host-7", pid: 4711 }
  const lock = found(".cod.lock", metadataOf(owner, "token", AT))
  expect(describeLock(lock, LATER)).toBe("archive/3, process 4711 on host-7, for 3 min 20 s")
})

test("Its age is the store's word for it, also when that clock is ahead", () => {
  const lock = found(".gradient.lock", {}, AT)
  expect(describeLock(lock, LATER)).toBe("the Python package cloud-optimized-dicom, for 3 min 20 s")
  expect(describeLock(found(".gradient.lock", {}, LATER), AT)).toBe(
    "the Python package cloud-optimized-dicom, for 0 ms",
  )
})

test("A lock of this process says that it runs, one of a process that is gone says so", () => {
  const alive = metadataOf(thisOwner(), "token", AT)
  expect(found(".cod.lock", alive).holder?.hasEnded).toBe(false)
  const gone = metadataOf({ ...thisOwner(), processStart: "1" }, "token", AT)
  expect(describeLock(found(".cod.lock", gone), LATER)).toEndWith("(that process has ended)")
})

test("A lock of another host says nothing of its process", () => {
  const elsewhere = metadataOf({ ...thisOwner(), host: "elsewhere", processStart: "1" }, "token", AT)
  expect(found(".cod.lock", elsewhere).holder?.hasEnded).toBe(false)
})

test.each(["0", "-1", "1e3", "99999999999999999999", ""])(
  "A process of number %j is none of ours to look for",
  (pid) => {
    const metadata = {
      ...metadataOf(thisOwner(), "token", AT),
      "cod-lock-pid": pid,
      "cod-lock-time": "some day",
    }
    expect(found(".cod.lock", metadata).holder).toMatchObject({ pid: 0, hasEnded: false, takenAt: undefined })
  },
)
