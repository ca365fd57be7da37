import { dirname } from "node:path"
import type { GoldenInstance, GoldenSeries } from "../../support/golden.ts"

/** A process that answers one command after the other (`json_lines.py`), so that its start is paid once. */
export interface Peer extends AsyncDisposable {
  ask<Result>(command: string, args?: Readonly<Record<string, unknown>>): Promise<Result>
}

/** What the package reads of a series: as in the golden ones, without what only those know. */
export interface PeerSeries
  extends Pick<GoldenSeries, "study_uid" | "series_uid" | "hashed_uids" | "metadata_fields" | "order"> {
  readonly datastore: string
  /** Of its own check; null where there is nothing to check. */
  readonly integrity_check: string | null
  readonly instances: Readonly<Record<string, PeerInstance>>
}

export interface PeerInstance extends GoldenInstance {
  /** DICOM JSON as the package has it: `BulkDataURI` is an object. */
  readonly tags: Readonly<Record<string, unknown>>
}

/**
 * @param python as `pythonWithCod` gives it
 * @param script path of what calls `serve`
 * @param env beside ours
 */
export function startPython(
  python: string,
  script: string,
  args: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Peer {
  return startPeer([python, script, ...args], {
    ...env,
    // For the programs that the package calls, and for the modules that scripts share.
    PATH: `${dirname(python)}:${process.env.PATH}`,
    PYTHONPATH: import.meta.dir,
    PYTHONDONTWRITEBYTECODE: "1",
  })
}

/** @param env beside ours */
export function startPeer(command: readonly string[], env: Readonly<Record<string, string>> = {}): Peer {
  const child = Bun.spawn([...command], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
    env: { ...process.env, ...env },
  })
  const answers = linesOf(child.stdout)
  let last: Promise<unknown> = Promise.resolve()
  const answerTo = async (request: object) => {
    child.stdin.write(`${JSON.stringify(request)}\n`)
    child.stdin.flush()
    const { value: line } = await answers.next()
    if (line === undefined) throw new Error(`${command.join(" ")} ended with exit code ${await child.exited}`)
    const answer = JSON.parse(line, unrounded) as { result?: unknown; error?: string }
    if (answer.error !== undefined) throw new Error(answer.error)
    return answer.result
  }
  return {
    ask<Result>(command: string, args: Readonly<Record<string, unknown>> = {}) {
      const answer = last.then(() => answerTo({ do: command, ...args }))
      last = answer.catch(() => undefined)
      return answer as Promise<Result>
    },
    async [Symbol.asyncDispose]() {
      child.stdin.end()
      await child.exited
    },
  }
}

/** The counterpart of `exact` in `json_lines.py`. */
function unrounded(_key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value
  if ("$integer" in value) return BigInt(value.$integer as string)
  return "$number" in value ? Number(value.$number) : value
}

async function* linesOf(stdout: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string, undefined> {
  let rest = ""
  for await (const text of stdout.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n")
    rest = lines.pop()!
    yield* lines
  }
}
