import { expect, test } from "bun:test"
import { isTooOld } from "../../../lib/operate/doctor/database.ts"

test.each([
  ["18.4 (Debian 18.4-1.pgdg13+1)", false],
  ["16beta2", false],
  ["14.0", false],
  ["13.23", true],
  ["9.6.24", true],
])("PostgreSQL %s too old for a discovery: %p", (version, expected) => {
  expect(isTooOld(version)).toBe(expected)
})
