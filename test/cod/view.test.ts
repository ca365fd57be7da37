import { describe, expect, test } from "bun:test"
import { inMemory } from "../../lib/cod/format/bytes.ts"
import { ByteView } from "../../lib/cod/index.ts"
import { windowOf } from "../../lib/cod/reading/remote-bytes.ts"
import { UsageError } from "../../lib/support/errors.ts"
import { failureOf } from "../contract/bodies.ts"

/** Bytes 2 to 7 of ten digits, as a file within a file is. */
function digits(onClose?: () => void): ByteView {
  return new ByteView(windowOf(inMemory(new TextEncoder().encode("0123456789")), 2, 7), onClose)
}

const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes)

describe("a view", () => {
  test("is read from its position on", async () => {
    await using view = digits()
    expect(text(await view.read(2))).toBe("23")
    expect(view.tell()).toBe(2)
    expect(text(await view.read())).toBe("456")
    expect(text(await view.read())).toBe("")
    expect(view.tell()).toBe(5)
  })

  test("gives what there is when more is asked for", async () => {
    await using view = digits()
    view.seek(3)
    expect(text(await view.read(100))).toBe("56")
  })

  test("is sought from the start, the present position and the end", async () => {
    await using view = digits()
    expect(view.seek(3)).toBe(3)
    expect(view.seek(-1, "current")).toBe(2)
    expect(text(await view.read(1))).toBe("4")
    expect(view.seek(-2, "end")).toBe(3)
    expect(text(await view.read())).toBe("56")
  })

  test("may be positioned behind its end, where nothing is read", async () => {
    await using view = digits()
    expect(view.seek(100)).toBe(100)
    expect(view.tell()).toBe(100)
    expect(text(await view.read())).toBe("")
    expect(view.tell()).toBe(100)
  })

  test("cannot be positioned before its start, going back ends there", async () => {
    await using view = digits()
    expect(() => view.seek(-1)).toThrow(UsageError)
    view.seek(2)
    expect(view.seek(-10, "current")).toBe(0)
    expect(view.seek(-10, "end")).toBe(0)
  })

  test("gives ranges and all of its bytes wherever its position is", async () => {
    await using view = digits()
    view.seek(4)
    expect(text(await view.range(1, 3))).toBe("34")
    expect(text(await view.bytes())).toBe("23456")
    expect(view.tell()).toBe(4)
    for (const [start, end] of [
      [-1, 2],
      [3, 2],
      [0, 6],
    ] as const) {
      expect(await failureOf(view.range(start, end))).toBeInstanceOf(UsageError)
    }
  })

  test("lets go of what it holds once, and is not read any more", async () => {
    let closed = 0
    const view = digits(() => {
      closed += 1
    })
    await view[Symbol.asyncDispose]()
    await view[Symbol.asyncDispose]()
    expect(closed).toBe(1)
    expect(await failureOf(view.read())).toBeInstanceOf(UsageError)
  })
})
