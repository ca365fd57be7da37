import { appendFile, chown, rm, stat, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { asAdmin, ensurePacsDatabase, type PacsAccess } from "../../lib/demo/pacs-database.ts"
import { type PostgresServer, startPostgres } from "../../lib/demo/postgres.ts"

/** A server with an empty PACS database, and a hot standby that replays it and gives no query any grace. */
export interface PrimaryAndStandby extends AsyncDisposable {
  readonly primary: PostgresServer
  readonly standby: PostgresServer
  readonly access: PacsAccess
  /** Resolves when the standby has replayed all that the primary has done. */
  replayed(): Promise<void>
}

const SETTINGS = { max_standby_streaming_delay: "0", synchronous_commit: "on" }

export async function primaryAndStandby(): Promise<PrimaryAndStandby> {
  const base = join("/var/tmp", `pacs-standby-${crypto.randomUUID()}`)
  const [first, second] = [`${base}-1`, `${base}-2`]
  const founded = await startPostgres({ folder: first, settings: SETTINGS })
  await ensurePacsDatabase(founded, "pacs")
  await founded.stop()
  // A copy of a server that was stopped is as good as a base backup, for which there is no program here.
  await Bun.$`cp -a ${first} ${second}`.quiet()
  const primary = await startPostgres({ folder: first })
  await makeStandby(second, primary)
  const standby = await startPostgres({ folder: second })
  return {
    primary,
    standby,
    access: await ensurePacsDatabase(primary, "pacs"),
    async replayed() {
      const [at] = await asAdmin(
        primary,
        "postgres",
        (sql) => sql`select pg_current_wal_flush_lsn()::text as lsn`,
      )
      await asAdmin(standby, "postgres", async (sql) => {
        const behind = () => sql`select where pg_last_wal_replay_lsn() < ${at?.lsn}::text::pg_lsn`
        while ((await behind()).length > 0);
      })
    },
    async [Symbol.asyncDispose]() {
      await standby.stop()
      await primary.stop()
      for (const folder of [first, second]) await rm(folder, { recursive: true })
    },
  }
}

async function makeStandby(folder: string, { host, port, user, password }: PostgresServer): Promise<void> {
  const { uid, gid } = await stat(folder)
  const signal = join(folder, "data", "standby.signal")
  await writeFile(signal, "")
  await chown(signal, uid, gid)
  await appendFile(
    join(folder, "data", "postgresql.auto.conf"),
    `primary_conninfo = 'host=${host} port=${port} user=${user} password=${password}'\n`,
  )
}
