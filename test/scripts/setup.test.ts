import { describe, expect, test } from "bun:test"
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { hostname } from "node:os"
import { join } from "node:path"
import { PROJECT_ROOT, runScript, startScript } from "../support/process.ts"
import { tempDir } from "../support/temp.ts"

// Stands for Bun in a clone of its own, so that nothing is fetched: says its version, writes down each installation,
// and tells what else it was asked to run.
const BUN = `#!/bin/sh
case "$1" in
  --version) echo 9.9.9 ;;
  install)
    mkdir "$CLONE/busy" || echo overlap >> "$CLONE/calls"
    echo "install $PWD" >> "$CLONE/calls"
    test -e "$CLONE/broken" && echo "no such package" >&2
    mkdir -p node_modules/.bin node_modules/fresh
    test -e node_modules/.bin/bun || cp "$0" node_modules/.bin/bun
    rmdir "$CLONE/busy"
    test ! -e "$CLONE/broken" ;;
  wait) exec "$REAL_BUN" -e 'process.on("SIGTERM", () => process.exit(9)); console.error("ready"); setInterval(() => {}, 1e6)' ;;
  proxies) echo "$HTTP_PROXY $NO_PROXY $no_proxy" ;;
  *) echo "ran $*"; exit 7 ;;
esac
`

const BOOT_ID = "/proc/sys/kernel/random/boot_id"

function fakeClone(env: Readonly<Record<string, string>> = {}) {
  const dir = tempDir("clone")
  mkdirSync(dir.file("scripts"))
  mkdirSync(dir.file("node_modules", ".bin"), { recursive: true })
  cpSync(join(PROJECT_ROOT, "scripts/setup.mjs"), dir.file("scripts", "setup.mjs"))
  writeFileSync(dir.file("package.json"), JSON.stringify({ devDependencies: { bun: "9.9.9" } }))
  writeFileSync(dir.file("bun.lock"), "{}")
  writeFileSync(dir.file("node_modules", ".bin", "bun"), BUN)
  chmodSync(dir.file("node_modules", ".bin", "bun"), 0o755)
  writeFileSync(dir.file("calls"), "")
  const options = { env: { CLONE: dir.path, REAL_BUN: process.execPath, HOME: dir.path, ...env } }
  return {
    dir,
    run: (...words: string[]) => runScript([dir.file("scripts", "setup.mjs"), ...words], options),
    start: (...words: string[]) => startScript([dir.file("scripts", "setup.mjs"), ...words], options),
    /** Where it installed so far: beside the old packages (`anew`) or in their place (`heal`). */
    installations: () =>
      readFileSync(dir.file("calls"), "utf8")
        .trim()
        .split("\n")
        .map((line) =>
          line === `install ${dir.path}` ? "heal" : line.includes("/.setup/work-") ? "anew" : line,
        ),
    own: () => readdirSync(dir.file("node_modules", ".setup")),
    [Symbol.dispose]: () => dir[Symbol.dispose](),
  }
}

describe("packages", () => {
  test("are installed once, and later only looked at", async () => {
    using clone = fakeClone()
    await clone.run()
    await clone.run()
    await clone.run()
    expect(clone.installations()).toEqual(["anew", "heal", "heal"])
    expect(readdirSync(clone.dir.file("node_modules")).toSorted()).toEqual([".bin", ".setup", "fresh"])
    expect(clone.own()).toEqual(["complete"])
  })

  test("are installed anew when bun.lock or the dependencies change, and not for another script's name", async () => {
    using clone = fakeClone()
    await clone.run()
    writeFileSync(clone.dir.file("bun.lock"), '{"changed":true}')
    await clone.run()
    const manifest = { devDependencies: { bun: "9.9.9" }, dependencies: { zod: "1.0.0" } }
    writeFileSync(clone.dir.file("package.json"), JSON.stringify(manifest))
    await clone.run()
    writeFileSync(clone.dir.file("package.json"), JSON.stringify({ ...manifest, scripts: { demo: "x" } }))
    await clone.run()
    expect(clone.installations()).toEqual(["anew", "anew", "anew", "heal"])
  })

  test("are installed anew where npm came afterwards", async () => {
    using clone = fakeClone()
    await clone.run()
    mkdirSync(clone.dir.file("node_modules", "left-by-npm"))
    writeFileSync(clone.dir.file("node_modules", ".package-lock.json"), "{}")
    await clone.run()
    expect(clone.installations()).toEqual(["anew", "anew"])
    expect(readdirSync(clone.dir.file("node_modules"))).not.toContain("left-by-npm")
  })

  test("stay as they are when the new ones cannot be had, and that is said", async () => {
    using clone = fakeClone()
    await clone.run()
    writeFileSync(clone.dir.file("broken"), "")
    writeFileSync(clone.dir.file("bun.lock"), '{"changed":true}')
    const { exitCode, stderr } = await clone.run("scripts/demo.ts")
    expect(exitCode).toBe(1)
    expect(stderr).toMatch(/bun install failed:\nno such package\n.*registry/)
    expect(readdirSync(clone.dir.file("node_modules")).toSorted()).toEqual([".bin", ".setup", "fresh"])
  })
})

describe("several at once", () => {
  test("install one after the other, and only the first anew", async () => {
    using clone = fakeClone()
    const runs = await Promise.all(Array.from({ length: 5 }, () => clone.run()))
    expect(runs.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0, 0, 0])
    expect(clone.installations()).toEqual(["anew", "heal", "heal", "heal", "heal"])
    expect(clone.own()).toEqual(["complete"])
  })

  test("take over from one that was killed", async () => {
    using clone = fakeClone()
    const gone = Bun.spawn(["true"])
    await gone.exited
    const boot = existsSync(BOOT_ID) ? readFileSync(BOOT_ID, "utf8").trim() : "-"
    mkdirSync(clone.dir.file("node_modules", ".setup", "work-left"), { recursive: true })
    symlinkSync(
      `${gone.pid} ${hostname()} ${boot} some-token`,
      clone.dir.file("node_modules", ".setup", "lock"),
    )
    await Promise.all([clone.run(), clone.run(), clone.run()])
    expect(clone.installations()).toEqual(["anew", "heal", "heal"])
    expect(clone.own()).toEqual(["complete"])
  })

  test("wait for one that may be alive on another host, and say so", async () => {
    using clone = fakeClone()
    mkdirSync(clone.dir.file("node_modules", ".setup"))
    symlinkSync("1 another-host - some-token", clone.dir.file("node_modules", ".setup", "lock"))
    await using waiting = clone.start()
    await waiting.saysOnStderr("waiting for another set-up (process 1)")
    expect(clone.installations()).toEqual([""])
  })
})

describe("what it runs then", () => {
  test("gets the words and the root as its folder, and its exit code is passed on", async () => {
    using clone = fakeClone()
    const { exitCode, stdout } = await clone.run("scripts/demo.ts", "--fresh")
    expect([exitCode, stdout]).toEqual([7, "ran scripts/demo.ts --fresh\n"])
  })

  test.each([
    ["", "127.0.0.1,localhost"],
    ["hospital.internal", "hospital.internal,127.0.0.1,localhost"],
  ])("calls this machine past the proxy; with NO_PROXY=%p as well", async (given, expected) => {
    using clone = fakeClone({ HTTP_PROXY: "http://proxy.internal:3128", NO_PROXY: given })
    const { stdout } = await clone.run("proxies")
    expect(stdout).toBe(`http://proxy.internal:3128 ${expected} ${expected}\n`)
  })

  test("gets the signals", async () => {
    using clone = fakeClone()
    await using running = clone.start("wait")
    await running.saysOnStderr("ready")
    running.kill("SIGTERM")
    expect((await running.finished).exitCode).toBe(9)
  })
})
