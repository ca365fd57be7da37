import { parseArgs } from "node:util"
import { positiveInteger } from "../../lib/support/cli.ts"
import { UsageError } from "../../lib/support/errors.ts"

/** A benchmark's options: `--json`, and a whole number for each of `defaults`. */
export type BenchOptions<Name extends string> = { readonly json: boolean } & Readonly<Record<Name, number>>

/**
 * Reads the command line of a benchmark.
 * @param name of the npm script
 * @param help what it does; usage and options are told around it
 * @returns undefined when the help or a complaint was all there was to say
 */
export function benchOptions<Name extends string>(
  name: string,
  help: string,
  defaults: Readonly<Record<Name, number>>,
): BenchOptions<Name> | undefined {
  const names = Object.keys(defaults) as Name[]
  try {
    const { values } = parseArgs({
      options: {
        help: { type: "boolean" },
        json: { type: "boolean" },
        ...Object.fromEntries(names.map((option) => [option, { type: "string" as const }])),
      },
    }) as { values: Readonly<Record<string, string | boolean | undefined>> }
    if (values.help === true) {
      console.log(helpOf(name, help, defaults))
      return undefined
    }
    const numbers = names.map((option) => {
      const value = values[option]
      return [option, typeof value === "string" ? positiveInteger(value) : defaults[option]]
    })
    return { json: values.json === true, ...Object.fromEntries(numbers) }
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof UsageError)) throw error
    console.error(`${error.message}\nSee npm run ${name} -- --help.`)
    process.exitCode = 2
    return undefined
  }
}

function helpOf(name: string, help: string, defaults: Readonly<Record<string, number>>): string {
  const options = Object.entries(defaults).map(
    ([option, value]) => `${`  --${option} <N>`.padEnd(18)}(${value})`,
  )
  return `Usage: npm run ${name} -- [options]

${help}

Options:
${options.join("\n")}
  --json          one JSON document on standard output, and nothing else there
  --help          prints this

Exit codes:
  0  within its limits
  1  not
  2  wrong usage`
}
