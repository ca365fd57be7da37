import { expect } from "bun:test"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { dirname, join } from "node:path"
import type { Hospital } from "./hospital.ts"
import { type Finished, runScript } from "./process.ts"

/** What an operator runs. */
export const NAMES = [
  "discover",
  "copy",
  "ingest",
  "run",
  "schedule",
  "status",
  "adopt",
  "verify",
  "cohorts",
  "why",
  "backup",
  "manifest",
  "doctor",
  "cod",
  "locks",
  "dashboard",
  "demo",
] as const

export type Name = (typeof NAMES)[number]

export function pathOf(name: Name): string {
  return `scripts/${name}.ts`
}

/** Runs a script on a hospital's box to its end. */
export function script({ env }: Hospital, name: Name, ...words: string[]): Promise<Finished> {
  return runScript([pathOf(name), ...words], { env })
}

/** The document on standard output, which has nothing else. */
export function documentOf({ stdout }: Finished) {
  return JSON.parse(stdout)
}

/** Every line of standard error is a log line of its own. */
export function logOf({ stderr }: Finished): { readonly level: string; readonly msg: string }[] {
  return stderr
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line))
}

/** Every file of the ledger's folder, to the byte; none when there is no such folder. */
export function boxOf({ ledgerPath }: Hospital): Record<string, string> {
  const folder = dirname(ledgerPath)
  if (!existsSync(folder)) return {}
  return Object.fromEntries(readdirSync(folder).map((name) => [name, hashOf(join(folder, name))]))
}

/** To the byte, with what SQLite has not yet written into it: nothing. Who only looks leaves an empty file for that. */
export function ledgerOf({ ledgerPath }: Hospital): string {
  expect(Bun.file(`${ledgerPath}-wal`).size).toBe(0)
  return hashOf(ledgerPath)
}

function hashOf(path: string): string {
  return Bun.hash(readFileSync(path)).toString()
}
