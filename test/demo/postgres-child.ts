import { startPostgres } from "../../lib/demo/postgres.ts"

/** Starts a server, tells on stderr where it is, and never stops it. */
const { port, folder } = await startPostgres()
console.error(`${JSON.stringify({ port, folder })} started`)
setInterval(() => {}, 60_000)
