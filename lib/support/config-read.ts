import { isDeepStrictEqual } from "node:util"
import type { OtherName, Variable } from "./config-table.ts"
import { text, type ValueKind } from "./config-values.ts"
import { safe } from "./text.ts"

export type Environment = Readonly<Record<string, string | undefined>>

/** The value of one variable. Whatever is wrong with it goes to `problems`, one line each. */
export function readVariable(variable: Variable<unknown>, env: Environment, problems: Set<string>): unknown {
  const [first, ...weaker] = readings(variable, env)
  if (first === undefined) {
    if (variable.default !== undefined) return variable.kind.schema.parse(variable.default)
    if (variable.optional === undefined) problems.add(missing(variable))
    return undefined
  }
  const twins = weaker.filter(({ rank }) => rank === "twin")
  for (const { problem } of [first, ...twins]) if (problem !== undefined) problems.add(problem)
  for (const twin of twins) {
    if (first.problem !== undefined || twin.problem !== undefined) continue
    if (isDeepStrictEqual(first.value, twin.value)) continue
    problems.add(`${first.shown} and ${twin.shown} name the same thing differently: set only one of them`)
  }
  return first.value
}

/** Every text by which the environment gives a variable's value away, under whatever name it stands. */
export function spelledValues(variable: Variable<unknown>, env: Environment): readonly string[] {
  return readings(variable, env).flatMap(({ raw, text }) => (text === undefined ? raw : [raw, text]))
}

/** What one of a variable's names says. */
interface Reading {
  readonly rank: "main" | OtherName["rank"]
  /** The name and its value, the value hidden where it is secret. */
  readonly shown: string
  readonly raw: string
  /** The raw text in the terms of the variable's main name. */
  readonly text?: string
  readonly value?: unknown
  readonly problem?: string
}

type Name = Pick<OtherName, "name" | "as" | "secret"> & { readonly rank: Reading["rank"] }

/** The names that are set and say something of the variable, the strongest first. */
function readings(variable: Variable<unknown>, env: Environment): Reading[] {
  const names: Name[] = [{ name: variable.name, rank: "main" }, ...(variable.also ?? [])]
  return names.flatMap((name) => {
    const raw = env[name.name]
    return raw === undefined || raw === "" ? [] : (readOne(variable, name, raw) ?? [])
  })
}

function readOne(
  variable: Variable<unknown>,
  { name, rank, as, secret }: Name,
  raw: string,
): Reading | undefined {
  const hidden = variable.secret ?? secret ?? false
  const shown = hidden ? `${name} (value hidden)` : `${name}="${safe(raw)}"`
  const wrong = ({ expected, example }: { expected: string; example: string }) =>
    `${shown}: expected ${expected}, for example ${example}`

  const own = (as ?? PLAIN).schema.safeParse(raw)
  if (!own.success) return { rank, shown, raw, problem: wrong(as ?? variable.kind) }
  if (own.data === undefined) return undefined
  const parsed = variable.kind.schema.safeParse(own.data)
  if (!parsed.success) return { rank, shown, raw, text: own.data, problem: wrong(variable.kind) }
  return { rank, shown, raw, text: own.data, value: parsed.data }
}

const PLAIN: ValueKind<string | undefined> = text

function missing({ name, purpose, example, also = [] }: Variable<unknown>): string {
  const others = also.map((other) => other.name)
  const instead = others.length === 0 ? "" : ` (or set ${others.join(" or ")})`
  return `${name} is not set: ${purpose}, for example ${example}${instead}`
}
