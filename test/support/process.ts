import { join, resolve } from "node:path"

export const PROJECT_ROOT = join(import.meta.dir, "../..")

export interface Finished {
  /** As a shell has it: 128 + the signal's number when a signal ended it. */
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

export interface RunningScript extends AsyncDisposable {
  readonly pid: number
  readonly finished: Promise<Finished>
  kill(signal: "SIGINT" | "SIGTERM" | "SIGKILL"): void
  /** Resolves once the stream has had this text; rejects when the process ends without. */
  saysOnStderr(text: string): Promise<void>
  saysOnStdout(text: string): Promise<void>
}

export interface ScriptOptions {
  /** The whole environment but for `PATH`: nothing of the one that the tests run in gets through. */
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
}

/**
 * Runs a script of this project to its end in a process of its own: `await runScript(["scripts/copy.ts",
 * "--json"])`.
 */
export async function runScript(words: readonly string[], options: ScriptOptions = {}): Promise<Finished> {
  await using script = startScript(words, options)
  return await script.finished
}

/** Starts a script of this project in a process of its own, which is killed when it is disposed. */
export function startScript(
  [file = "", ...words]: readonly string[],
  options: ScriptOptions = {},
): RunningScript {
  const child = Bun.spawn({
    // The operator's .env is no business of a test.
    cmd: [process.execPath, "--no-env-file", resolve(PROJECT_ROOT, file), ...words],
    cwd: options.cwd ?? PROJECT_ROOT,
    env: { PATH: process.env.PATH, ...options.env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  })
  const stdout = listen(child.stdout)
  const stderr = listen(child.stderr)
  const finished = Promise.all([child.exited, stdout.ended, stderr.ended]).then(([exitCode]) => ({
    exitCode,
    stdout: stdout.text(),
    stderr: stderr.text(),
  }))
  return {
    pid: child.pid,
    finished,
    kill: (signal) => child.kill(signal),
    saysOnStderr: (text) => stderr.has(text),
    saysOnStdout: (text) => stdout.has(text),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL")
      await finished
    },
  }
}

/** Collects a stream's text, and tells when something has come. */
function listen(stream: ReadableStream<Uint8Array>) {
  let said = ""
  let isOver = false
  const waiting = new Set<() => void>()
  const read = async () => {
    const decoder = new TextDecoder()
    for await (const bytes of stream) {
      said += decoder.decode(bytes, { stream: true })
      for (const look of waiting) look()
    }
    isOver = true
    for (const look of waiting) look()
  }
  return {
    ended: read(),
    text: () => said,
    has: (text: string) =>
      new Promise<void>((resolve, reject) => {
        const look = () => {
          if (said.includes(text)) resolve()
          else if (isOver) reject(new Error(`ended without saying ${JSON.stringify(text)}:\n${said}`))
          else return
          waiting.delete(look)
        }
        waiting.add(look)
        look()
      }),
  }
}
