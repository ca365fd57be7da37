import { expect } from "bun:test"
import { dirname, join, resolve } from "node:path"
import { pathToFileURL } from "node:url"
import { PROJECT_ROOT } from "../../support/process.ts"

/** A block of TypeScript in a document. */
export interface Example {
  /** The heading that it stands under. */
  readonly heading: string
  /** Of its first line in the document. */
  readonly line: number
  readonly code: string
}

/** What the words of an example stand for: a bucket for a folder, a short UID for a real one. */
export type StandIns = Readonly<Record<string, string>>

export function examplesIn(markdown: string): Example[] {
  let heading = ""
  const found: Example[] = []
  for (const match of markdown.matchAll(/^#+ (?<heading>[^\n]+)$|^```ts\n(?<code>.*?)^```$/gms)) {
    const { heading: text, code } = match.groups!
    heading = text ?? heading
    if (code !== undefined) {
      found.push({ heading, line: markdown.slice(0, match.index).split("\n").length + 1, code })
    }
  }
  return found
}

/**
 * Runs an example as the module that it is, and claims what its comments say. A comment stands behind a statement that
 * takes one line:
 *
 * ```
 * EXPRESSION // => VALUE            equals VALUE, any expression, as `toEqual` has it
 * const NAME = EXPRESSION // => VALUE
 * EXPRESSION // throws NAME         fails with an error of that class
 * ```
 *
 * @param document path of the document: imports are relative to it
 * @param folder where the module is written
 * @throws what the example throws, and where a claim is wrong an error that names the line of the document
 */
export async function runExample(
  { code, line }: Example,
  document: string,
  standIns: StandIns,
  folder: string,
): Promise<void> {
  const lines = withStandIns(code, standIns).split("\n")
  const isImport = lines.map((text) => /^import /.test(text))
  const imports = lines.filter((_, i) => isImport[i]).map((text) => importFrom(dirname(document), text))
  const body = lines.map((text, i) => (isImport[i] ? "" : claimed(text, line + i)))
  const path = join(folder, `line-${line}-${Bun.randomUUIDv7()}.ts`)
  await Bun.write(path, [...imports, "export default async (claim) => {", ...body, "}"].join("\n"))
  const example: { default(claim: Claim): Promise<void> } = await import(pathToFileURL(path).href)
  const reached = new Set<number>()
  await example.default(async (line, ...claim) => {
    reached.add(line)
    await claimTrue(line, ...claim)
  })
  const isClaim = lines.map((text) => CLAIM.test(text))
  const unreached = isClaim.flatMap((is, i) => (is && !reached.has(line + i) ? [line + i] : []))
  expect(unreached, "lines of the document that were never reached").toEqual([])
}

type Claim = typeof claimTrue

async function claimTrue(
  line: number,
  found: () => unknown,
  wanted: () => unknown,
  kind: "equals" | "throws",
): Promise<void> {
  const where = `line ${line} of the document`
  if (kind === "equals") return expect(await found(), where).toEqual(await wanted())
  const error = await Promise.try(found).catch((error: unknown) => error)
  expect(error instanceof Error ? error.name : "nothing was thrown", where).toBe(String(wanted()))
}

/**
 * What the compiler says of examples under the project's own settings, `line 12: …` of the document each. They may leave
 * what they declare unused.
 */
export async function typeFaults(
  examples: readonly Example[],
  document: string,
  folder: string,
): Promise<string[]> {
  for (const { code, line } of examples) {
    const lines = code.split("\n").map((text) => importFrom(dirname(document), text))
    await Bun.write(join(folder, `${line}.ts`), [...lines, "export {}"].join("\n"))
  }
  const compilerOptions = { noUnusedLocals: false, typeRoots: [join(MODULES, "@types"), MODULES] }
  const settings = { extends: join(PROJECT_ROOT, "tsconfig.json"), compilerOptions, include: ["*.ts"] }
  await Bun.write(join(folder, "tsconfig.json"), JSON.stringify(settings))
  const compiler = Bun.spawn([join(MODULES, ".bin/tsc"), "--noEmit", "-p", "."], { cwd: folder })
  const said = (await compiler.stdout.text()).split("\n")
  return said.flatMap((text) => {
    // What is wrong elsewhere in the project is told by its own check, of the compiler's settings by nobody else.
    if (text.startsWith("error ")) return [text]
    const [, example, line, fault] = /^(\d+)\.ts\((\d+),\d+\): (.*)$/.exec(text) ?? []
    return fault === undefined ? [] : [`line ${Number(example) + Number(line) - 1}: ${fault}`]
  })
}

const MODULES = join(PROJECT_ROOT, "node_modules")

const CLAIM = /^(\s*)((?:const|let) (\w+) = )?(.*?) \/\/ (=>|throws) (.*)$/

function claimed(text: string, line: number): string {
  const [, indent = "", declaration = "", name, statement, sign, wanted = ""] = CLAIM.exec(text) ?? []
  if (statement === undefined) return text
  if (sign === "throws") {
    return `${indent}await claim(${line}, async () => ${statement}, () => ${JSON.stringify(wanted.trim())}, "throws")`
  }
  if (name === undefined) {
    return `${indent}await claim(${line}, async () => (${statement}), async () => (${wanted}), "equals")`
  }
  return `${indent}${declaration}${statement}; await claim(${line}, () => ${name}, async () => (${wanted}), "equals")`
}

/** Longest first; none is replaced within a longer word or number. */
function withStandIns(code: string, standIns: StandIns): string {
  const names = Object.keys(standIns).toSorted((a, b) => b.length - a.length)
  const any = new RegExp(
    `(?<![\\w.])(?:${names.map((name) => RegExp.escape(name)).join("|")})(?![\\w]|\\.\\d)`,
    "g",
  )
  return names.length === 0 ? code : code.replace(any, (name) => standIns[name]!)
}

function importFrom(folder: string, text: string): string {
  return text.replace(
    /from "(\.{1,2}\/[^"]+)"$/,
    (_, path: string) => `from ${JSON.stringify(resolve(folder, path))}`,
  )
}
