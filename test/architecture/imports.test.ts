import { describe, expect, test } from "bun:test"
import { readdirSync } from "node:fs"
import { join } from "node:path"
import { PROJECT_ROOT } from "../support/process.ts"
import { forbiddenImports } from "./directions.ts"
import { findCycle, parseModule, readModules } from "./modules.ts"

const modules = await readModules(PROJECT_ROOT, ["lib", "scripts"])
const manifest = await Bun.file(join(PROJECT_ROOT, "package.json")).json()

describe("the source tree", () => {
  test("imports go one way only", () => {
    expect(forbiddenImports(modules)).toEqual([])
  })

  test("no modules import each other in a circle", () => {
    expect(findCycle(modules)).toBeUndefined()
  })

  test("only the configuration reads the environment", () => {
    const readers = modules.filter(({ text }) => /\b(?:process|Bun|import\.meta)\.env\b/.test(text))
    const allowed = ["lib/support/config.ts", "scripts/setup.mjs"]
    expect(readers.map(({ path }) => path).filter((path) => !allowed.includes(path))).toEqual([])
  })

  test("the packages that are imported are exactly those that package.json names", () => {
    const imported = new Set(
      modules.flatMap(({ packages }) => packages).filter((name) => !/^(?:node|bun)(?::|$)/.test(name)),
    )
    expect([...imported].toSorted()).toEqual(Object.keys(manifest.dependencies).toSorted())
  })

  test("nothing new stands at the top level", () => {
    const fixed = [
      "package.json",
      "bun.lock",
      "bunfig.toml",
      "tsconfig.json",
      "biome.json",
      "README.md",
      "LICENSE",
    ]
    const folders = ["scripts", "lib", "state", "test", "node_modules"]
    const found = readdirSync(PROJECT_ROOT).filter((name) => !name.startsWith("."))
    expect(found.filter((name) => !fixed.includes(name) && !folders.includes(name))).toEqual([])
  })
})

describe("the check itself", () => {
  const importing = (path: string, specifier: string) => [
    parseModule(path, `import { x } from "${specifier}"\n`),
  ]

  test.each([
    ["lib/support/a.ts", "../storage/store.ts"],
    ["lib/storage/a.ts", "../transfer/send.ts"],
    ["lib/ledger/a.ts", "../storage/store.ts"],
    ["lib/ledger/a.ts", "zod"],
    ["lib/source/a.ts", "../ledger/open.ts"],
    ["lib/cod/format/a.ts", "../pack.ts"],
    ["lib/cod/format/a.ts", "../../storage/store.ts"],
    ["lib/cod/a.ts", "../ledger/open.ts"],
    ["lib/pipeline/a.ts", "../operate/status.ts"],
    ["lib/operate/a.ts", "../demo/seed.ts"],
    ["lib/page/a.ts", "../demo/seed.ts"],
    ["lib/demo/a.ts", "../../test/support/temp.ts"],
    ["scripts/a.ts", "../test/support/temp.ts"],
    ["lib/pipeline/a.ts", "@google-cloud/storage"],
    ["lib/helpers/a.ts", "node:fs"],
  ])("%s may not import %s", (path, specifier) => {
    expect(forbiddenImports(importing(path, specifier))).toHaveLength(1)
  })

  test.each([
    ["scripts/a.ts", "../lib/demo/seed.ts"],
    ["lib/pipeline/a.ts", "../cod/format/tar.ts"],
    ["lib/cod/a.ts", "./format/tar.ts"],
    ["lib/ledger/a.ts", "bun:sqlite"],
    ["lib/source/a.ts", "postgres"],
  ])("%s may import %s", (path, specifier) => {
    expect(forbiddenImports(importing(path, specifier))).toEqual([])
  })

  test("sees imports of types, re-exports, side effects, late imports and imports over several lines", () => {
    const text = [
      'import type { A } from "./a.ts"',
      'export * from "./b.ts"',
      'import "./c.ts"',
      'const d = await import("./d.ts")',
      'import {\n  E,\n} from "./e.ts"',
      'import pkg, { type X } from "@scope/name/deep"',
    ].join("\n")
    const { files, packages } = parseModule("lib/x/y.ts", text)
    expect(files).toEqual(["a", "b", "c", "d", "e"].map((name) => `lib/x/${name}.ts`))
    expect(packages).toEqual(["@scope/name"])
  })

  test("sees a circle, and tells its way", () => {
    const circle = ["a", "b", "c"].map((name, i, all) =>
      parseModule(`lib/x/${name}.ts`, `import type { X } from "./${all[(i + 1) % 3]}.ts"\n`),
    )
    expect(findCycle(circle)).toEqual(["lib/x/a.ts", "lib/x/b.ts", "lib/x/c.ts", "lib/x/a.ts"])
    expect(findCycle(circle.slice(0, 2))).toBeUndefined()
  })
})
