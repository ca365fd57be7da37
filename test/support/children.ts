import { join } from "node:path"
import { PROJECT_ROOT } from "./process.ts"

/** A process that a test started, held up until the test lets it go on or kills it. */
export interface Child extends AsyncDisposable {
  readonly pid: number
  /** Ends its standard input, for which it waits. */
  go(): Promise<void>
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>
  /** The signal that ended it, or its exit code. */
  readonly ended: Promise<string | number>
  /** What it printed until it ended. Rejects when it failed. */
  output(): Promise<string>
}

/** Starts a file of this project as a process of its own and waits until its standard error has this text. */
export async function startChild([file = "", ...words]: readonly string[], text: string): Promise<Child> {
  const child = Bun.spawn([process.execPath, "--no-env-file", join(PROJECT_ROOT, file), ...words], {
    cwd: PROJECT_ROOT,
    env: { PATH: process.env.PATH },
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
  })
  const said = child.stderr.pipeThrough(new TextDecoderStream()).getReader()
  let heard = ""
  while (!heard.includes(text)) {
    const { value, done } = await said.read()
    if (done) throw new Error(`ended without saying ${JSON.stringify(text)}:\n${heard}`)
    heard += value
  }
  const kill = async () => {
    child.kill("SIGKILL")
    await child.exited
  }
  return {
    pid: child.pid,
    go: async () => void (await child.stdin.end()),
    kill,
    ended: child.exited.then((code) => child.signalCode ?? code),
    async output() {
      const printed = await child.stdout.text()
      if ((await child.exited) === 0) return printed
      for (let step = await said.read(); !step.done; step = await said.read()) heard += step.value
      throw new Error(`ended with ${child.exitCode ?? child.signalCode}:\n${heard}`)
    },
    [Symbol.asyncDispose]: kill,
  }
}
