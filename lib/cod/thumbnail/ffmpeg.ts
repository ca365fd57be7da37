import { accessSync, constants } from "node:fs"
import { dirname, join } from "node:path"
import { abortReason } from "../../storage/failures.ts"
import { FfmpegFailedError, FfmpegMissingError } from "./errors.ts"

/** The npm package that ships the program, for those whose PATH has none. Optional: it may not be there. */
const PACKAGE = "@ffmpeg-installer/linux-x64"

/** Of what it says of a failure. */
const MAX_WORDS = 2000

/**
 * The program: from PATH, else from the optional npm package.
 * @param path of folders, as PATH has it (that of the process)
 * @param from the folder of whoever needs the package
 * @returns undefined where there is neither
 */
export function findFfmpeg(path?: string, from: string = import.meta.dir): string | undefined {
  return Bun.which("ffmpeg", path === undefined ? undefined : { PATH: path }) ?? packagedFfmpeg(from)
}

/** The same for who needs it. @throws FfmpegMissingError */
export function requireFfmpeg(...where: Parameters<typeof findFfmpeg>): string {
  const program = findFfmpeg(...where)
  if (program === undefined) throw new FfmpegMissingError()
  return program
}

function packagedFfmpeg(from: string): string | undefined {
  try {
    const program = join(dirname(Bun.resolveSync(`${PACKAGE}/package.json`, from)), "ffmpeg")
    accessSync(program, constants.X_OK)
    return program
  } catch {
    return undefined
  }
}

/** What ffmpeg is to do. */
export interface FfmpegWork<T> {
  readonly args: readonly string[]
  /** Milliseconds after which it is ended. */
  readonly timeoutMs: number
  /** What it reads, piece by piece as it takes them. */
  readonly input?: AsyncIterable<Uint8Array>
  /** Takes what it writes. It may end before the last piece. */
  output(pieces: AsyncIterable<Uint8Array>): Promise<T>
}

/**
 * Runs ffmpeg until it has done its work. It is ended when it takes too long, when its input or its reader fails, and by
 * the signal.
 * @throws FfmpegMissingError, FfmpegFailedError; what `input` and `output` throw
 */
export async function runFfmpeg<T>(work: FfmpegWork<T>, signal?: AbortSignal): Promise<T> {
  const program = requireFfmpeg()
  if (signal?.aborted) throw abortReason(signal)
  const child = Bun.spawn([program, "-hide_banner", "-loglevel", "error", ...work.args], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
    timeout: work.timeoutMs,
    killSignal: "SIGKILL",
    ...(signal && { signal }),
  })
  try {
    const words = lastWords(child.stderr)
    const [result] = await Promise.all([work.output(child.stdout), feed(child, work.input)])
    const code = await child.exited
    if (signal?.aborted) throw abortReason(signal)
    if (code !== 0) throw failure(program, child.signalCode, code, await words)
    return result
  } catch (error) {
    throw signal?.aborted ? abortReason(signal) : error
  } finally {
    child.kill("SIGKILL")
    await child.exited
  }
}

/**
 * Hands over what it reads until there is no more, or nobody to take it: then its exit code tells why.
 * @throws what `input` throws
 */
async function feed(
  { stdin, exited }: Bun.Subprocess<"pipe", "pipe", "pipe">,
  input: AsyncIterable<Uint8Array> = NOTHING,
): Promise<void> {
  const pieces = input[Symbol.asyncIterator]()
  const gone = exited.then(() => ({ done: true, value: undefined }) as const)
  try {
    for (;;) {
      const { done, value } = await Promise.race([pieces.next(), gone])
      if (done === true) break
      // No more than a piece is held back here.
      if (!(await taken(() => stdin.write(value))) || !(await taken(() => stdin.flush()))) break
    }
    await taken(() => stdin.end())
  } finally {
    await pieces.return?.()
  }
}

const NOTHING: AsyncIterable<never> = {
  async *[Symbol.asyncIterator]() {},
}

/** @returns false when the other end of the pipe is closed */
async function taken(act: () => unknown): Promise<boolean> {
  try {
    await act()
    return true
  } catch {
    return false
  }
}

async function lastWords(stderr: ReadableStream<Uint8Array>): Promise<string> {
  let words = ""
  const decoder = new TextDecoder()
  for await (const piece of stderr) {
    words = (words + decoder.decode(piece, { stream: true })).slice(-MAX_WORDS)
  }
  return words.trim()
}

function failure(
  program: string,
  killed: string | number | null,
  code: number,
  words: string,
): FfmpegFailedError {
  const why = killed === null ? `ended with exit code ${code}` : `was ended by ${killed}`
  return new FfmpegFailedError(`ffmpeg ${why}${words === "" ? "" : `: ${words}`}`, {
    facts: { program, code },
    hint: "It has to have libx264. Another ffmpeg is taken when it comes first in PATH.",
  })
}
