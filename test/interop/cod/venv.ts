import { rmSync } from "node:fs"
import { join } from "node:path"

/** Of each of the package's lines the version that lib/cod is tried against. */
const REQUIREMENTS = {
  "2.2.0": join(import.meta.dir, "requirements.txt"),
  "0.1.1": join(import.meta.dir, "v0/requirements.txt"),
}

export type PackageVersion = keyof typeof REQUIREMENTS

const CACHE = join(import.meta.dir, "../../.cache/python")

/** Versions of Python that all of the requirements come built for. */
const PYTHONS = ["python3.11", "python3.12", "python3.13", "python3"]

/**
 * Makes a virtual environment with the Python package `cloud-optimized-dicom`, if that was not done before, in a folder
 * that Git ignores. It takes half a minute and 500 MB.
 * @returns its Python, or undefined where there is none to begin with; with CI=true that is an error: what is not run
 *   proves nothing
 */
export async function pythonWithCod(version: PackageVersion = "2.2.0"): Promise<string | undefined> {
  const folder = join(CACHE, `cloud-optimized-dicom-${version}`)
  const requirements = REQUIREMENTS[version]
  const python = join(folder, "bin/python")
  const made = Bun.file(join(folder, "made-of.txt"))
  const wanted = await Bun.file(requirements).text()
  if ((await made.exists()) && (await made.text()) === wanted) return python
  const host = await suitablePython()
  if (host === undefined) {
    if (process.env.CI === "true")
      throw new Error("Python is missing: nothing can be tried against the package")
    console.warn(
      "\n!!! Python is missing: nothing is tried against the package. Install Python 3.11 or later.\n",
    )
    return undefined
  }
  console.log(`installing cloud-optimized-dicom ${version} (once, half a minute)`)
  rmSync(folder, { recursive: true, force: true })
  await install(host, folder, requirements)
  // Thumbnails are 2.2.0's.
  if (version === "2.2.0") await provideFfmpeg(folder)
  // Last: what was interrupted is begun anew.
  await Bun.write(made, wanted)
  return python
}

async function suitablePython(): Promise<string | undefined> {
  for (const name of PYTHONS) {
    const suits = await run([name, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"])
    if (suits.succeeded) return name
  }
  return undefined
}

/** Debian leaves `ensurepip` out of its Python: then the environment is filled by the pip outside it. */
async function install(host: string, folder: string, requirements: string): Promise<void> {
  const python = join(folder, "bin/python")
  const wheels = ["--no-cache-dir", "--no-deps", "--only-binary=:all:", "-r", requirements]
  if ((await run([host, "-m", "venv", folder])).succeeded) {
    await mustRun([python, "-m", "pip", "install", "-q", ...wheels])
  } else {
    await mustRun([host, "-m", "venv", "--clear", "--without-pip", folder])
    await mustRun([host, "-m", "pip", "--python", python, "install", "-q", ...wheels])
  }
}

/** The package looks for a program of this name in PATH. */
async function provideFfmpeg(folder: string): Promise<void> {
  const link = "import imageio_ffmpeg, os, sys; os.symlink(imageio_ffmpeg.get_ffmpeg_exe(), sys.argv[1])"
  await mustRun([join(folder, "bin/python"), "-c", link, join(folder, "bin/ffmpeg")])
}

async function mustRun(command: readonly string[]): Promise<void> {
  const { succeeded, said } = await run(command)
  if (!succeeded) throw new Error(`${command.join(" ")} failed:\n${said}`)
}

/** A program that is missing is one that did not succeed. */
async function run([program, ...args]: readonly string[]): Promise<{ succeeded: boolean; said: string }> {
  const path = Bun.which(program!)
  if (path === null) return { succeeded: false, said: "not found" }
  const child = Bun.spawn(["nice", path, ...args], { stdin: "ignore", stdout: "ignore", stderr: "pipe" })
  const said = await child.stderr.text()
  return { succeeded: (await child.exited) === 0, said }
}
