import type { Outcome } from "../../support/cli.ts"
import { UsageError } from "../../support/errors.ts"
import { safe } from "../../support/text.ts"
import { cat } from "./cat.ts"
import { check } from "./check.ts"
import { extract } from "./extract.ts"
import { info } from "./info.ts"
import { ls } from "./ls.ts"
import type { CodStart } from "./start.ts"
import { tags } from "./tags.ts"

/** Flags that belong to some of the verbs. */
export interface VerbOptions {
  readonly frame: number | undefined
  /** Reads no more than it must. */
  readonly quick: boolean
}

interface Verb {
  /** Its words behind its name. */
  readonly takes: string
  readonly does: string
  readonly examples: readonly string[]
  readonly flag?: keyof VerbOptions
  run(start: CodStart, words: readonly string[], options: VerbOptions): Promise<Outcome>
}

const SERIES = "gs://bucket/cod/studies/1.2.3/series/4.5.6"

/** What `cod` can do, in the order in which one gets to know a datastore. */
export const VERBS: Readonly<Record<string, Verb>> = {
  ls: {
    takes: "URI",
    does: "the series of a datastore or study; a series' keys",
    examples: ["ls gs://bucket/cod --quick", "ls gs://bucket/cod/studies/1.2.3", `ls ${SERIES}`],
    flag: "quick",
    run: ls,
  },
  info: {
    takes: "URI",
    does: "what there is to say of a series",
    examples: [`info ${SERIES}`],
    run: info,
  },
  cat: {
    takes: "URI#KEY",
    does: "one DICOM file, or a frame, on standard output",
    examples: [`cat ${SERIES}#7.8.9 > 7.8.9.dcm`, `cat ${SERIES}#7.8.9 --frame 1 > frame.raw`],
    flag: "frame",
    run: cat,
  },
  tags: {
    takes: "URI#KEY [TAG...]",
    does: "DICOM JSON of one instance, or of these tags",
    examples: [`tags ${SERIES}#7.8.9`, `tags ${SERIES}#7.8.9 0020,000D 00280008`],
    run: tags,
  },
  extract: {
    takes: "URI DIR",
    does: "each instance as DIR/KEY.dcm, all of them checked",
    examples: [`extract ${SERIES} ./series`],
    run: extract,
  },
  check: {
    takes: "URI",
    does: "whether all that is stored fits together",
    examples: [`check ${SERIES}`, `check ${SERIES} --quick`],
    flag: "quick",
    run: check,
  },
}

/** Does what the words say. @throws UsageError */
export async function runVerb(
  start: CodStart,
  words: readonly string[],
  options: VerbOptions,
): Promise<Outcome> {
  const [name, ...rest] = words
  if (name === undefined) throw new UsageError("no verb was given", `Expected one of ${NAMES}.`)
  const verb = Object.hasOwn(VERBS, name) ? VERBS[name] : undefined
  if (verb === undefined) throw new UsageError(`"${safe(name)}" is no verb`, `Expected one of ${NAMES}.`)
  requireWords(name, verb, rest)
  requireOwnFlags(name, verb, options)
  return await verb.run(start, rest, options)
}

/** For `--help`: each verb on a line of its own. */
export function verbsInWords(): string {
  const width = Math.max(...Object.entries(VERBS).map(([name, { takes }]) => name.length + takes.length + 1))
  return Object.entries(VERBS)
    .map(([name, { takes, does }]) => `  ${`${name} ${takes}`.padEnd(width)}  ${does}`)
    .join("\n")
}

/** For `--help`: typical calls, one a line, as they are typed. */
export function examplesOf(script: string): string {
  return Object.values(VERBS)
    .flatMap(({ examples }) => examples)
    .join(`\n  ${script} `)
}

const NAMES = Object.keys(VERBS).join(", ")

function requireWords(name: string, { takes, examples }: Verb, words: readonly string[]): void {
  const needed = takes.split(" ").filter((word) => !word.startsWith("["))
  const isOpen = takes.includes("...")
  if (words.length >= needed.length && (isOpen || words.length === needed.length)) return
  throw new UsageError(
    `${name} takes ${takes}, not ${words.length === 0 ? "nothing" : `"${safe(words.join(" "))}"`}`,
    `For example bun scripts/cod.ts ${examples[0]}`,
  )
}

function requireOwnFlags(name: string, { flag }: Verb, { frame, quick }: VerbOptions): void {
  const given = { frame: frame !== undefined, quick }
  for (const other of ["frame", "quick"] as const) {
    if (!given[other] || flag === other) continue
    const owners = Object.keys(VERBS).filter((verb) => VERBS[verb]?.flag === other)
    throw new UsageError(`--${other} is for ${owners.join(" and ")}, not for ${name}`)
  }
}
