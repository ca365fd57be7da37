import { connect, type PacsSettings, type Reading, readOnly } from "./connection.ts"

/** A column that some query names. */
export interface NamedColumn {
  readonly table: string
  readonly column: string
}

export interface InspectedColumn extends NamedColumn {
  /** Found on the search path of the role. */
  readonly tableExists: boolean
  readonly columnExists: boolean
  readonly mayRead: boolean
}

/** What the database tells of itself and of what the role may read. */
export interface Inspection {
  readonly serverVersion: string
  /** How far its clock is ahead of this machine's; negative when behind. */
  readonly skewMs: number
  readonly columns: readonly InspectedColumn[]
}

/**
 * Looks at the database without reading a row of it, once, over a connection of its own.
 * @param patienceMs for each answer
 * @throws DatabaseError
 */
export async function inspectPacs(
  settings: PacsSettings,
  columns: readonly NamedColumn[],
  patienceMs: number,
  signal?: AbortSignal,
): Promise<Inspection> {
  const limits = { connectMs: patienceMs, statementMs: patienceMs, closeMs: 0 }
  const client = connect(settings, limits, 1)
  try {
    return await readOnly(client, settings, limits, (reading) => inspect(reading, columns), signal)
  } finally {
    await client.end({ timeout: 0 })
  }
}

async function inspect({ sql, run }: Reading, columns: readonly NamedColumn[]): Promise<Inspection> {
  const askedAt = Date.now()
  const [server] = await run(sql<ServerRow[]>`
    select current_setting('server_version') as version,
      extract(epoch from clock_timestamp())::double precision * 1000 as now_ms`)
  const answeredAt = Date.now()
  const inspected = await run(sql<InspectedColumn[]>`
    select named.table, named.column,
      found.oid is not null as "tableExists",
      attnum is not null as "columnExists",
      coalesce(has_column_privilege(found.oid, attnum, 'select'), false) as "mayRead"
    from unnest(${list(columns.map(({ table }) => table))}::text[],
      ${list(columns.map(({ column }) => column))}::text[]) with ordinality as named ("table", "column", position)
    cross join lateral (select to_regclass(quote_ident(named.table))::oid as oid) found
    left join pg_attribute on attrelid = found.oid and attname = named.column and not attisdropped
    order by position`)
  return {
    serverVersion: server!.version,
    skewMs: server!.now_ms - (askedAt + answeredAt) / 2,
    columns: inspected.map((column) => ({ ...column })),
  }
}

interface ServerRow {
  readonly version: string
  readonly now_ms: number
}

/** `{…}` as PostgreSQL writes a `text[]`; the names that our queries have need no quotes in it. */
function list(names: readonly string[]): string {
  return `{${names.join(",")}}`
}
