// Makes sure that Bun and node_modules are there as package.json and bun.lock pin them, then runs the rest of
// its arguments with that Bun:
//
//     node scripts/setup.mjs scripts/demo.ts --fresh
//
// Needs Node 20 or newer (or any Bun) and a package registry, nothing else.
import { spawn, spawnSync } from "node:child_process"
import { createHash, randomUUID } from "node:crypto"
import fs from "node:fs"
import { constants, hostname } from "node:os"
import { basename, dirname, join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { isatty } from "node:tty"
import { fileURLToPath } from "node:url"

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)))
const MODULES = join(ROOT, "node_modules")
const INPUTS = ["package.json", "bun.lock", "bunfig.toml", ".npmrc"].map((name) => join(ROOT, name))

// Everything that set-up keeps for itself. Package managers leave dot folders in node_modules alone.
const OWN = join(MODULES, ".setup")
const LOCK = join(OWN, "lock")
const COMPLETE = join(OWN, "complete")

const REGISTRY_HINT = `
Is the package registry within reach? Behind a proxy set HTTPS_PROXY, for a mirror set npm_config_registry.`

/** What the user can do something about. */
class SetupError extends Error {}

process.exit(await main(process.argv.slice(2)))

async function main(command) {
  try {
    await setUp()
  } catch (error) {
    if (!(error instanceof SetupError)) throw error
    say(error.message)
    return 1
  }
  return command.length === 0 ? 0 : await runToEnd(bunIn(MODULES), command)
}

async function setUp() {
  const [major] = process.versions.node.split(".")
  if (Number(major) < 20)
    throw new SetupError(`Node ${process.versions.node} is too old: install Node 20 or newer.`)
  const manifest = JSON.parse(readFile(join(ROOT, "package.json")))
  const version = manifest.devDependencies.bun
  const fingerprint = fingerprintOf(manifest)
  // npm writes this file, and knows nothing of bun.lock.
  const npmCame = () => fs.existsSync(join(MODULES, ".package-lock.json"))
  const isComplete = () =>
    readFile(COMPLETE) === fingerprint && !npmCame() && versionOf(bunIn(MODULES)) === version

  if (!canWrite()) {
    if (isComplete()) return
    throw new SetupError(`cannot write ${MODULES}: run this as its owner, or in a clone of your own.`)
  }
  await withLock(() => (isComplete() ? heal() : installAnew(version, fingerprint)))
}

/** Of what decides which packages node_modules holds; the manifest's other half changes every day. */
function fingerprintOf(manifest) {
  const hash = createHash("sha256").update(
    `${process.platform} ${process.arch}\n${readFile(join(ROOT, "bun.lock"))}`,
  )
  for (const [field, value] of Object.entries(manifest)) {
    if (/dependencies|overrides/i.test(field)) hash.update(JSON.stringify([field, value]))
  }
  return hash.digest("hex")
}

/** Brings back packages that somebody removed. Without any it takes milliseconds and no network. */
function heal() {
  installIn(ROOT, bunIn(MODULES))
}

/** Beside the old packages, which stay until the new ones are complete. */
function installAnew(version, fingerprint) {
  const started = Date.now()
  for (const name of fs.readdirSync(OWN)) if (name.startsWith("work-")) remove(join(OWN, name))
  const work = fs.mkdtempSync(join(OWN, "work-"))
  try {
    const bun = findBun(version, work)
    say("installing the packages of bun.lock ...")
    const stage = join(work, "stage")
    fs.mkdirSync(stage)
    for (const file of INPUTS) if (fs.existsSync(file)) fs.copyFileSync(file, join(stage, basename(file)))
    installIn(stage, bun)
    const fresh = join(stage, "node_modules")
    finishBun(fresh, version)
    remove(COMPLETE)
    for (const name of fs.readdirSync(MODULES)) if (name !== basename(OWN)) remove(join(MODULES, name))
    for (const name of fs.readdirSync(fresh)) fs.renameSync(join(fresh, name), join(MODULES, name))
    fs.writeFileSync(COMPLETE, fingerprint)
  } finally {
    remove(work)
  }
  say(`done in ${((Date.now() - started) / 1000).toFixed(1)} s`)
}

function installIn(folder, bun) {
  const { status, output } = runQuietly([bun, "install", "--frozen-lockfile"], folder)
  // Native parts are optional packages: for Bun it is only a warning when one of them does not come.
  if (status === 0 && !output.includes("downloading tarball")) return
  throw new SetupError(`bun install failed:\n${firstLines(output)}${REGISTRY_HINT}`)
}

/** A Bun that can install: the pinned one, fetched if need be, or else whatever Bun runs this very file. */
function findBun(version, work) {
  const running = process.versions.bun === undefined ? [] : [process.execPath]
  const present = [bunIn(MODULES), ...running].find((bun) => versionOf(bun) === version)
  if (present !== undefined) return present

  say(`fetching Bun ${version} from the package registry ...`)
  const cli = process.env.npm_execpath ?? ""
  const npm = cli.endsWith("npm-cli.js") ? [process.execPath, cli] : ["npm"]
  // Not every npm lets a package run its scripts: the one that matters is run below.
  const options = [
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--no-package-lock",
    "--loglevel=error",
    "--fetch-retry-mintimeout=500",
    "--fetch-retry-maxtimeout=5000",
  ]
  const { status, output } = runQuietly(
    [...npm, "install", "--prefix", work, ...options, `bun@${version}`],
    work,
  )
  if (status === undefined && running.length > 0) return running[0]
  if (status === undefined) throw new SetupError("npm is not there: install Node 20 or newer with its npm.")
  if (status !== 0)
    throw new SetupError(`npm cannot fetch Bun ${version}:\n${firstLines(output)}${REGISTRY_HINT}`)
  return finishBun(join(work, "node_modules"), version)
}

/** Does what Bun's postinstall does, where the installer was not allowed to: puts the binary in its place. */
function finishBun(modules, version) {
  const bun = bunIn(modules)
  if (versionOf(bun) === version) return bun
  const { output } = runQuietly([process.execPath, "install.js"], join(modules, "bun"))
  if (versionOf(bun) === version) return bun
  throw new SetupError(`Bun ${version} does not start on ${process.platform} ${process.arch}:\n${output}`)
}

function bunIn(modules) {
  return join(modules, ".bin", "bun")
}

function versionOf(bun) {
  const { status, output } = runQuietly([bun, "--version"], ROOT)
  return status === 0 ? output.trim() : undefined
}

/** Runs `job` while no other set-up of this clone runs. The lock is a link whose target says who has it. */
async function withLock(job) {
  const owner = `${process.pid} ${hostname()} ${bootId()} ${randomUUID()}`
  const started = Date.now()
  let isTold = false
  while (!createLink(owner, LOCK)) {
    const other = readLink(LOCK)
    if (other !== undefined && isDead(other)) takeLockFrom(other)
    else await sleep(50)
    if (!isTold && Date.now() - started > 1000) {
      isTold = true
      say(`waiting for another set-up (process ${other?.split(" ")[0]}); if there is none, remove ${LOCK}`)
    }
  }
  try {
    await job()
  } finally {
    fs.unlinkSync(LOCK)
  }
}

/**
 * Of all who see the same dead owner one removes its lock; a lock that was taken meanwhile has another owner.
 */
function takeLockFrom(dead) {
  const right = `${LOCK}-of-${dead.split(" ")[3]}`
  if (!createLink(dead, right)) return
  if (readLink(LOCK) === dead) fs.unlinkSync(LOCK)
  fs.unlinkSync(right)
}

/** Only where it is certain: on this host, before its last start or without such a process. */
function isDead(owner) {
  const [pid, host, boot] = owner.split(" ")
  if (host !== hostname()) return false
  if (boot !== bootId()) return true
  try {
    process.kill(Number(pid), 0)
    return false
  } catch (error) {
    return error.code === "ESRCH"
  }
}

function bootId() {
  return readFile("/proc/sys/kernel/random/boot_id").trim() || "-"
}

function createLink(target, path) {
  try {
    fs.symlinkSync(target, path)
    return true
  } catch (error) {
    if (error.code === "EEXIST") return false
    throw error
  }
}

function readLink(path) {
  try {
    return fs.readlinkSync(path)
  } catch (error) {
    if (error.code === "ENOENT") return undefined
    throw error
  }
}

/** Empty where there is no such file. */
function readFile(path) {
  try {
    return fs.readFileSync(path, "utf8")
  } catch (error) {
    if (error.code === "ENOENT") return ""
    throw error
  }
}

function canWrite() {
  try {
    fs.mkdirSync(OWN, { recursive: true })
    fs.accessSync(OWN, fs.constants.W_OK)
    return true
  } catch (error) {
    if (["EACCES", "EPERM", "EROFS"].includes(error.code)) return false
    throw error
  }
}

function remove(path) {
  fs.rmSync(path, { recursive: true, force: true })
}

/** `status` is undefined when there is no such program. */
function runQuietly([program, ...args], cwd) {
  const { error, status, stdout, stderr } = spawnSync(program, args, { cwd, encoding: "utf8" })
  if (error !== undefined) return { status: undefined, output: String(error) }
  return { status: status ?? 1, output: `${stdout}${stderr}` }
}

/** Like `exec`: the child has our terminal and our signals, we have its exit code. */
function runToEnd(program, args) {
  const child = spawn(program, args, { cwd: ROOT, stdio: "inherit", env: withoutLocalProxy(process.env) })
  // Ctrl-C on a terminal reaches the child by itself, and a second one would end it at once.
  const forward = (signal) => () => (signal === "SIGINT" && isatty(0) ? undefined : child.kill(signal))
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, forward(signal))
  return new Promise((resolve, reject) => {
    child.on("error", reject)
    child.on("exit", (code, signal) => resolve(code ?? 128 + constants.signals[signal]))
  })
}

/** Bun's fetch sends even what is meant for this machine to a proxy, and of the two names heeds the lower. */
function withoutLocalProxy(env) {
  const direct = [env.no_proxy || env.NO_PROXY, "127.0.0.1", "localhost"].filter(Boolean).join(",")
  return { ...env, NO_PROXY: direct, no_proxy: direct }
}

function firstLines(output) {
  const lines = output.split("\n").filter((line) => line !== "")
  return lines.slice(0, 8).join("\n")
}

function say(text) {
  console.error(`set-up: ${text}`)
}
