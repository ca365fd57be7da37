import type { Outcome } from "../../support/cli.ts"
import { UsageError } from "../../support/errors.ts"
import { safe } from "../../support/text.ts"
import { cat } from "./cat.ts"
import { check } from "./check.ts"
import { contactSheet } from "./contact-sheet.ts"
import { extract } from "./extract.ts"
import { info } from "./info.ts"
import { ls } from "./ls.ts"
import { render } from "./render.ts"
import type { CodStart } from "./start.ts"
import { tags } from "./tags.ts"
import { thumbnail } from "./thumbnail.ts"
import { SERIES, type Verb, type VerbOptions } from "./verb.ts"
import { WRITE_VERBS } from "./write-verbs.ts"

export type { VerbOptions } from "./verb.ts"

/** What only looks, in the order in which one gets to know a datastore. */
const READ_VERBS: Readonly<Record<string, Verb>> = {
  ls: {
    takes: "URI",
    does: "the series of a datastore or study; a series' keys",
    examples: ["ls gs://bucket/cod --quick", "ls gs://bucket/cod/studies/1.2.3", `ls ${SERIES}`],
    flags: ["quick"],
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
    flags: ["frame"],
    run: cat,
  },
  tags: {
    takes: "URI#KEY [TAG...]",
    does: "DICOM JSON of one instance, or of these tags",
    examples: [`tags ${SERIES}#7.8.9`, `tags ${SERIES}#7.8.9 0020,000D 00280008`],
    run: tags,
  },
  render: {
    takes: "URI#KEY",
    does: "a frame as a person should see it, as PNG or JPEG",
    examples: [
      `render ${SERIES}#7.8.9 --out 7.8.9.png`,
      `render ${SERIES}#7.8.9 --frame 2 --window 40,400 --size 512 --out 2.jpg`,
    ],
    flags: ["frame", "window", "size", "out"],
    run: render,
  },
  thumbnail: {
    takes: "URI",
    does: "the series' thumbnail as a file, JPEG or MP4",
    examples: [`thumbnail ${SERIES}`, `thumbnail ${SERIES} --make --out 4.5.6.mp4`],
    flags: ["out", "make", "lockNames", "metadataVersion"],
    run: thumbnail,
  },
  "contact-sheet": {
    takes: "URI|STUDY...",
    does: "many series at a glance, as HTML or one JPEG",
    examples: [
      "contact-sheet gs://bucket/cod/studies/1.2.3 -o 1.2.3.html",
      "contact-sheet 70527eef-9ec7-8a61-a103-2117c2153828 gs://bucket/cod --limit 50 -o sheet.jpg",
    ],
    flags: ["out", "limit"],
    run: contactSheet,
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
    flags: ["quick"],
    run: check,
  },
}

/** What `cod` can do. */
export const VERBS: Readonly<Record<string, Verb>> = { ...READ_VERBS, ...WRITE_VERBS }

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
  const lengths = Object.entries(VERBS).map(([name, { takes }]) => name.length + takes.length + 1)
  const width = Math.max(...lengths)
  const lines = (verbs: typeof VERBS) =>
    Object.entries(verbs)
      .map(([name, { takes, does }]) => `  ${`${name} ${takes}`.padEnd(width)}  ${does}`)
      .join("\n")
  return `${lines(READ_VERBS)}\n\n${lines(WRITE_VERBS)}`
}

/** For `--help`: typical calls, one a line, as they are typed. */
export function examplesOf(script: string): string {
  return Object.values(VERBS)
    .flatMap(({ examples }) => examples)
    .join(`\n  ${script} `)
}

const NAMES = Object.keys(VERBS).join(", ")

function requireWords(name: string, { takes, examples }: Verb, words: readonly string[]): void {
  const all = takes.split(" ")
  const least = all.filter((word) => !word.startsWith("[")).length
  const most = takes.includes("...") ? Number.POSITIVE_INFINITY : all.length
  if (words.length >= least && words.length <= most) return
  throw new UsageError(
    `${name} takes ${takes}, not ${words.length === 0 ? "nothing" : `"${safe(words.join(" "))}"`}`,
    `For example bun scripts/cod.ts ${examples[0]}`,
  )
}

function requireOwnFlags(name: string, { flags = [] }: Verb, options: VerbOptions): void {
  for (const [flag, value] of Object.entries(options) as [keyof VerbOptions, unknown][]) {
    if (value === undefined || value === false || flags.includes(flag)) continue
    const owners = Object.keys(VERBS).filter((verb) => VERBS[verb]?.flags?.includes(flag))
    const words = flag.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
    throw new UsageError(`--${words} is for ${listed(owners)}, not for ${name}`)
  }
}

/** `a`, `a and b`, `a, b and c`. */
function listed(names: readonly string[]): string {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`
}
