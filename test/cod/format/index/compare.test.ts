import { describe, expect, test } from "bun:test"
import { buildIndex } from "../../../../lib/cod/format/index/build.ts"
import { compareIndex } from "../../../../lib/cod/format/index/compare.ts"
import { readIndex } from "../../../../lib/cod/format/index/read.ts"
import type { TarMember } from "../../../../lib/cod/format/tar/member.ts"
import { tarOf } from "../tar/tars.ts"

const { tar, members } = tarOf(700, 0, 512)
const [first, second, third] = members as [TarMember, TarMember, TarMember]
const of = (some: readonly TarMember[], size = tar.length) =>
  compareIndex(readIndex(buildIndex(some, { size, mtime: 1 })), members, tar.length)
const NOTHING = { missing: [], extra: [], wrong: [] }

describe("an index beside its tar", () => {
  test("is good when it has every member at its place", () => {
    expect(of(members)).toEqual(NOTHING)
    expect(of([third, first, second])).toEqual(NOTHING)
  })

  test("is stale when the tar has more members, or others", () => {
    expect(of([first])).toEqual({ ...NOTHING, missing: [second, third] })
    const gone = { ...third, headerStart: 99 * 512 }
    const { missing, extra } = of([first, second, gone])
    expect(missing).toEqual([third])
    expect(extra).toMatchObject([{ headerStart: 99 * 512 }])
  })

  test("is wrong when a row leads elsewhere", () => {
    const { wrong } = of([first, { ...second, start: 0, size: 5 }, { ...third, name: "instances/x.dcm" }])
    expect(wrong.map(({ member, fields }) => ({ member, fields }))).toEqual([
      { member: second, fields: ["start", "size"] },
      { member: third, fields: ["name"] },
    ])
  })

  test("is of another tar when that has another size", () => {
    expect(of(members, 20480)).toEqual({ ...NOTHING, tarSize: 20480 })
  })

  test("says nothing twice of the same member", () => {
    const { extra } = of([...members, { ...first, name: "instances/again.dcm" }])
    expect(extra.length).toBe(1)
  })

  test("need not tell folders", () => {
    const folder = { ...first, type: "directory" as const, headerStart: 999 * 512 }
    const index = readIndex(buildIndex(members, { size: tar.length, mtime: 1 }))
    expect(compareIndex(index, [...members, folder], tar.length)).toEqual(NOTHING)
  })
})
