/**
 * What `npm test`, `npm run test:interop` and `npm run test:browser` run: every part to its end, also behind one that
 * failed, each with its seconds, and one line with the sum. Further words narrow the tests down: `npm test -- ledger`.
 */
import { join } from "node:path"

interface Part {
  readonly name: string
  readonly command: readonly string[]
  /** How many checks passed and failed; a part without own counts is one check. */
  readonly count?: (output: string) => Counts | undefined
}

interface Counts {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
}

const ROOT = join(import.meta.dir, "..")

/** Ends what hangs; a busy machine alone never should. */
const HANG = "--timeout=120000"

const [first, ...rest] = process.argv.slice(2)
const everyDay = () => [typecheck("."), typecheck("lib/page/client"), lint(), tests(process.argv.slice(2))]
const parts =
  first === "--interop" ? [apart("interop", rest)] : first === "--browser" ? [browser(rest)] : everyDay()
process.exit(await runAll(parts))

function typecheck(project: string): Part {
  return { name: "typecheck", command: ["node_modules/.bin/tsc", "--noEmit", "-p", project] }
}

function lint(): Part {
  return { name: "lint", command: ["node_modules/.bin/biome", "check", "."] }
}

/** Without the operator's .env: a test sees the settings that it makes itself. */
function tests(filters: readonly string[]): Part {
  return {
    name: "tests",
    command: [process.execPath, "--no-env-file", "test", "--parallel=2", HANG, ...filters],
    count: bunCounts,
  }
}

/** Each file with a browser and servers of its own. */
function browser(filters: readonly string[]): Part {
  return apart("browser", filters, ["--parallel=2"])
}

/** Tests that need more than a package registry gives. */
function apart(name: string, filters: readonly string[], flags: readonly string[] = []): Part {
  const paths = filters.length === 0 ? [`test/${name}/`] : filters.map((filter) => `test/${name}/${filter}`)
  return {
    name,
    command: [
      process.execPath,
      "--no-env-file",
      "test",
      HANG,
      "--path-ignore-patterns=-",
      ...flags,
      ...paths,
    ],
    count: bunCounts,
  }
}

async function runAll(all: readonly Part[]): Promise<number> {
  const lines: string[] = []
  const sum = { passed: 0, failed: 0, skipped: 0 }
  for (const part of all) {
    const started = performance.now()
    const counts = await run(part)
    sum.passed += counts.passed
    sum.failed += counts.failed
    sum.skipped += counts.skipped
    const seconds = ((performance.now() - started) / 1000).toFixed(1).padStart(7)
    lines.push(`${part.name.padEnd(10)} ${seconds} s  ${counts.failed === 0 ? "ok" : "FAILED"}`)
  }
  console.log(`\n${lines.join("\n")}`)
  console.log(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`)
  return sum.failed === 0 ? 0 : 1
}

async function run({ name, command, count }: Part): Promise<Counts> {
  console.log(`\n--- ${name}: ${command.map((word) => word.replace(process.execPath, "bun")).join(" ")}`)
  const child = Bun.spawn([...command], {
    cwd: ROOT,
    stdout: "inherit",
    stderr: "pipe",
    // A pipe for us, still a terminal for the reader.
    env: { ...process.env, ...(process.stderr.isTTY ? { FORCE_COLOR: "1" } : {}) },
  })
  let output = ""
  for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) {
    process.stderr.write(text)
    output = (output + text).slice(-100_000)
  }
  const succeeded = (await child.exited) === 0
  const counts = count === undefined ? asOneCheck(succeeded) : count(Bun.stripANSI(output))
  // A runner that broke before it had counted, or failed for another reason than a test, is a failure all the
  // same.
  if (counts === undefined) return { passed: 0, failed: 1, skipped: 0 }
  return succeeded || counts.failed > 0 ? counts : { ...counts, failed: 1 }
}

function asOneCheck(succeeded: boolean): Counts {
  return { passed: succeeded ? 1 : 0, failed: succeeded ? 0 : 1, skipped: 0 }
}

/** The summary at the end of what `bun test` prints. */
function bunCounts(output: string): Counts | undefined {
  const summary = output.slice(output.lastIndexOf("\n\n"))
  const number = (word: string) => {
    const [, digits] = new RegExp(`^ *(\\d+) ${word}`, "m").exec(summary) ?? []
    return digits === undefined ? undefined : Number(digits)
  }
  const passed = number("pass")
  const failed = number("fail")
  if (passed === undefined || failed === undefined) return undefined
  return {
    passed,
    failed: Math.max(failed, number("error") ?? 0),
    skipped: (number("skip") ?? 0) + (number("todo") ?? 0),
  }
}
