import { expect, test } from "bun:test"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { loadConfig } from "../../lib/support/config.ts"
import { renderConfigTable, renderEnvExample, withConfigTable } from "../../lib/support/config-docs.ts"
import { VARIABLES } from "../../lib/support/config-table.ts"
import { PROJECT_ROOT } from "./process.ts"

const UPDATE = "run: UPDATE_DOCS=1 bun test test/support/config-docs.test.ts"

// Both documents are made from the table of variables; with UPDATE_DOCS they are written, else compared.
async function expectUpToDate(name: string, render: (text: string) => string) {
  const path = join(PROJECT_ROOT, name)
  const committed = existsSync(path) ? await Bun.file(path).text() : ""
  const wanted = render(committed)
  if (process.env.UPDATE_DOCS !== undefined) await Bun.write(path, wanted)
  else expect(committed === wanted ? "" : `${name} is out of date, ${UPDATE}`).toBe("")
}

test(".env.example says what the table of variables says", () =>
  expectUpToDate(".env.example", renderEnvExample))

test.if(existsSync(join(PROJECT_ROOT, "README.md")))(
  "README's table says what the table of variables says",
  () => expectUpToDate("README.md", withConfigTable),
)

test("every variable stands once in both documents, with its other names", () => {
  const table = renderConfigTable()
  const env = renderEnvExample()
  for (const { name, also } of Object.values(VARIABLES).flatMap((part) => Object.values(part)) as Named[]) {
    expect(table.match(new RegExp(`^\\| \`${name}\``, "gm"))).toHaveLength(1)
    expect(env.match(new RegExp(`^(?:# )?${name}=`, "gm"))).toHaveLength(1)
    for (const other of also ?? []) expect(table).toContain(`\`${other.name}\``)
  }
})

interface Named {
  readonly name: string
  readonly also?: readonly { readonly name: string }[]
}

test(".env.example, copied as it is, is a configuration without a fault", () => {
  const lines = renderEnvExample().split("\n")
  const assignments = lines
    .filter((line) => /^\w+=/.test(line))
    .map((line) => line.split(/=(.*)/) as [string, string])
  const parts = Object.keys(VARIABLES) as (keyof typeof VARIABLES)[]
  expect(loadConfig(parts, Object.fromEntries(assignments)).origin.uri).toBe("s3://hospital-pacs")
})

test("every default and every example is a value that is accepted", () => {
  for (const variable of Object.values(VARIABLES).flatMap((part) => Object.values(part))) {
    expect(variable.kind.schema.safeParse(variable.example).success ? "" : variable.name).toBe("")
    if ("default" in variable) expect(variable.kind.schema.safeParse(variable.default).success).toBe(true)
  }
})

test("a text without the marks is not touched silently", () => {
  expect(() => withConfigTable("# README\n")).toThrow("<!-- config -->")
  expect(withConfigTable("a\n<!-- config -->\nold\n<!-- /config -->\nb")).toMatch(
    /^a\n<!-- config -->\n\n\| variable[\s\S]*\|\n\n<!-- \/config -->\nb$/,
  )
})
