import { spawnSync } from "node:child_process"
import { tempDir } from "./temp.ts"

/** A file system of few bytes, to be filled. */
export interface TinyDisk extends Disposable {
  readonly path: string
  grow(bytes: number): void
}

/** Mounting needs a privilege that tests mostly lack, and mostly have in CI. Who skips a test for want of it says so. */
export const tinyDisk = { isPossible: canMount(), mount }

function mount(bytes: number): TinyDisk {
  const dir = tempDir("disk")
  const set = (size: number, remount = "") =>
    spawnSync("mount", ["-t", "tmpfs", "-o", `${remount}size=${size}`, "tmpfs", dir.path]).status === 0
  const mounted = set(bytes)
  if (!mounted) {
    dir[Symbol.dispose]()
    throw new Error("no file system can be mounted here")
  }
  return {
    path: dir.path,
    grow: (size) => void set(size, "remount,"),
    [Symbol.dispose]() {
      spawnSync("umount", ["-l", dir.path])
      dir[Symbol.dispose]()
    },
  }
}

function canMount(): boolean {
  try {
    mount(65_536)[Symbol.dispose]()
    return true
  } catch {
    console.warn("no file system can be mounted here: what a truly full disk does is not tested")
    return false
  }
}
