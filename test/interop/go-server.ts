import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { freePort } from "../support/free-port.ts"

/** A server written in Go, pinned to a version and built once into a folder that Git ignores. */
export interface GoServer {
  /** Path of the package that `go install` builds. */
  readonly module: string
  readonly version: string
  /** Command line for a port of 127.0.0.1 and a folder of its own. */
  readonly args: (port: number, dir: string) => readonly string[]
}

export interface RunningServer extends AsyncDisposable {
  readonly url: string
  readonly dir: string
}

/**
 * Builds the server if that was not done before, at low priority because it takes minutes.
 * @returns the program, or undefined where Go is missing; with CI=true that is an error: what is not run proves nothing
 */
export async function build({ module, version }: GoServer): Promise<string | undefined> {
  const name = module.split("/").at(-1)!
  const folder = join(import.meta.dir, "../.cache/go", `${name}@${version}`)
  const program = join(folder, name)
  if (await Bun.file(program).exists()) return program
  const go = Bun.which("go")
  if (go === null) {
    if (process.env.CI === "true") throw new Error(`Go is missing: ${name} cannot be built`)
    console.warn(`\n!!! Go is missing: nothing is tried against ${name}. Install Go 1.26 or later.\n`)
    return undefined
  }
  console.log(`building ${module}@${version} (once, takes minutes)`)
  const env = { ...process.env, GOBIN: folder, GOFLAGS: "-buildvcs=false" }
  const install = Bun.spawn(["nice", go, "install", `${module}@${version}`], { env, stderr: "pipe" })
  const said = await install.stderr.text()
  if ((await install.exited) !== 0) throw new Error(`go install ${module}@${version} failed:\n${said}`)
  return program
}

/** Starts the server on a free port and waits until it answers; it ends, and its folder goes, when it is disposed. */
export async function start(program: string, { args }: GoServer): Promise<RunningServer> {
  const dir = mkdtempSync(join(tmpdir(), "interop-"))
  const port = freePort()
  const child = Bun.spawn([program, ...args(port, dir)], { stdout: "ignore", stderr: "pipe" })
  const url = `http://127.0.0.1:${port}`
  const stop = async () => {
    child.kill("SIGKILL")
    await child.exited
    rmSync(dir, { recursive: true, force: true })
  }
  try {
    await answers(url, child)
  } catch (error) {
    await stop()
    throw error
  }
  return { url, dir, [Symbol.asyncDispose]: stop }
}

async function answers(url: string, child: Bun.Subprocess<"ignore", "ignore", "pipe">): Promise<void> {
  while (child.exitCode === null) {
    const answer = await fetch(url).catch(() => undefined)
    await answer?.arrayBuffer()
    if (answer !== undefined) return
    await Bun.sleep(20)
  }
  throw new Error(`the server ended at once:\n${await child.stderr.text()}`)
}
