import { join } from "node:path"
import { stringifyJson } from "../../../../lib/cod/format/json.ts"
import type { TarEntry, TarMember } from "../../../../lib/cod/format/tar/member.ts"

/** An entry of any kind, with a float as `mtime`. */
export interface PythonEntry extends TarEntry {
  readonly typeflag?: string
  readonly linkname?: string
}

/** What Python's tarfile tells of a member. */
export type PythonMember = Omit<TarMember, "type" | "end" | "format">

interface Functions {
  header: { given: PythonEntry; made: string }
  write: { given: { format: "pax" | "gnu" | "ustar"; entries: readonly PythonEntry[] }; made: string }
  members: { given: string; made: readonly PythonMember[] }
  extracted: { given: string; made: Readonly<Record<string, string>> }
  append: { given: { tar: string; entries: readonly PythonEntry[] }; made: string }
}

/** Whether there is a Python whose tarfile writes as 3.11 does. With CI=true there has to be one. */
export const PYTHON_IS_MISSING = isMissing("python3", [
  "-c",
  "import sys; sys.exit(sys.version_info < (3, 11))",
])

/** Whether there is a GNU tar. With CI=true there has to be one. */
export const GNU_TAR_IS_MISSING = isMissing("tar", ["--version"], "GNU tar")

/** Runs one function of `tarfile_peer.py` over all inputs, in one process. */
export function tarfile<Name extends keyof Functions>(
  name: Name,
  inputs: readonly Functions[Name]["given"][],
): readonly Functions[Name]["made"][] {
  const { stdout, stderr, success } = Bun.spawnSync(
    ["python3", "-B", join(import.meta.dir, "tarfile_peer.py")],
    { stdin: Buffer.from(stringifyJson([name, inputs])) },
  )
  if (!success) throw new Error(stderr.toString())
  return JSON.parse(stdout.toString()) as Functions[Name]["made"][]
}

function isMissing(program: string, args: readonly string[], says = ""): boolean {
  const path = Bun.which(program)
  const answer = path === null ? undefined : Bun.spawnSync([path, ...args])
  const isThere = answer?.success === true && answer.stdout.toString().includes(says)
  if (!isThere && process.env.CI === "true")
    throw new Error(`${says || program} is missing: nothing is proved`)
  return !isThere
}
