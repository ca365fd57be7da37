import type { Window } from "../../cod/index.ts"
import type { Outcome } from "../../support/cli.ts"
import type { CodStart } from "./start.ts"

/** Flags that belong to some of the verbs. */
export interface VerbOptions {
  readonly frame: number | undefined
  /** Reads no more than it must. */
  readonly quick: boolean
  readonly dryRun: boolean
  readonly lockNames: readonly string[] | undefined
  readonly metadataVersion: "1.0" | "2.0" | undefined
  readonly remove: boolean
  readonly dropLost: boolean
  readonly clear: boolean
  readonly message: string | undefined
  readonly generation: string | undefined
  readonly why: string | undefined
  /** The file that a picture is written to. */
  readonly out: string | undefined
  readonly make: boolean
  readonly window: Window | undefined
  /** Pixels of a picture's long side. */
  readonly size: number | undefined
  /** Series of a contact sheet. */
  readonly limit: number | undefined
}

export interface Verb {
  /** Its words behind its name: those in brackets may be left out, the last one may be open. */
  readonly takes: string
  readonly does: string
  readonly examples: readonly string[]
  readonly flags?: readonly (keyof VerbOptions)[]
  run(start: CodStart, words: readonly string[], options: VerbOptions): Promise<Outcome>
}

/** What examples are about. */
export const SERIES = "gs://bucket/cod/studies/1.2.3/series/4.5.6"
