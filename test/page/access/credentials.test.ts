import { expect, test } from "bun:test"
import { basicCredentials, knownBy } from "../../../lib/page/access/credentials.ts"

const sending = (authorization: string) => new Request("http://box/", { headers: { authorization } })
const basic = (text: string) => `Basic ${Buffer.from(text).toString("base64")}`

test("both the name and the password have to be right, to the last character", () => {
  const isKnown = knownBy({ user: "etl", password: "contraseña" })
  const known = (user: string, password: string) => isKnown({ user, password })
  expect(known("etl", "contraseña")).toBe(true)
  for (const [user, password] of [
    ["etl", "contrasena"],
    ["etl", "contraseñ"],
    ["etl", ""],
    ["ETL", "contraseña"],
    ["", "contraseña"],
    ["contraseña", "etl"],
  ] as const)
    expect(known(user, password)).toBe(false)
})

test("HTTP Basic is read in UTF-8; a password may have colons, and lines", () => {
  expect(basicCredentials(sending(basic("etl:a:ñ\nb:")))).toEqual({ user: "etl", password: "a:ñ\nb:" })
  expect(basicCredentials(sending(basic("etl:").replace("Basic", "basic")))).toEqual({
    user: "etl",
    password: "",
  })
})

test.each([["Bearer abc"], ["Basic"], ["Basic !!!"], [basic("nocolon")], ["Basic a b"]])(
  "%p is none",
  (authorization) => {
    expect(basicCredentials(sending(authorization))).toBeUndefined()
  },
)
