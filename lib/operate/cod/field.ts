import { parseJson, stringifyJson } from "../../cod/format/json.ts"
import { requireFieldName } from "../../cod/format/metadata/series.ts"
import {
  type CODObject,
  type Dirty,
  InvalidMetadata,
  type SeriesMetadata,
  seriesUri,
} from "../../cod/index.ts"
import { TAR_RECORD } from "../../cod/reading/tar-record.ts"
import { AppError, UsageError } from "../../support/errors.ts"
import { safe, table } from "../../support/text.ts"
import { writeOut } from "../manifest-output.ts"
import { changeSeries, type WriteOptions } from "./change-series.ts"
import { NotThere } from "./explain.ts"
import { withSeries } from "./open-series.ts"
import type { CodStart } from "./start.ts"
import { seriesTarget } from "./target.ts"

interface FieldOptions extends WriteOptions {
  readonly remove: boolean
}

/** `cod field URI [NAME [JSON]]`: what the metadata have beside the instances; all of it, one field, a new value. */
export async function field(
  start: CodStart,
  [uri = "", name, json]: readonly string[],
  options: FieldOptions,
): Promise<0> {
  if (options.remove) return await removeField(start, uri, name, json, options)
  if (name === undefined) return await listFields(start, uri)
  if (json === undefined) return await showField(start, uri, name)
  return await setField(start, uri, name, parsedValue(json), options)
}

async function listFields(start: CodStart, uri: string): Promise<0> {
  const place = seriesTarget(uri)
  const fields = await withSeries(place, start, async (_, metadata) => metadata.fields)
  const document = { uri: seriesUri(place), fields: Object.fromEntries(fields) }
  await printJson(start, document, () => renderFields(fields))
  return 0
}

async function showField(start: CodStart, uri: string, name: string): Promise<0> {
  const place = seriesTarget(uri)
  const value = await withSeries(place, start, async (_, { fields }) => {
    if (fields.has(name)) return fields.get(name)
    const there = [...fields.keys()].join(", ")
    throw new NotThere(
      `${seriesUri(place)} has no field ${JSON.stringify(name)}`,
      there === "" ? "It has no fields at all." : `It has ${there}.`,
    )
  })
  await printJson(start, { uri: seriesUri(place), name, value }, () => stringifyJson(value))
  return 0
}

async function setField(
  start: CodStart,
  uri: string,
  name: string,
  value: unknown,
  options: FieldOptions,
): Promise<0> {
  return await changeField(start, uri, name, value, options, async (series, { fields }, dirty) => {
    if (!fields.has(name) || textOf(fields.get(name)) !== textOf(value)) {
      await series.addMetadataField(name, value, dirty)
    }
  })
}

async function removeField(
  start: CodStart,
  uri: string,
  name: string | undefined,
  json: string | undefined,
  options: FieldOptions,
): Promise<0> {
  if (name === undefined || json !== undefined) {
    throw new UsageError("field --remove takes URI NAME", "It removes one field, whatever its value is.")
  }
  return await changeField(start, uri, name, undefined, options, async (series, _, dirty) => {
    await series.removeMetadataField(name, dirty)
  })
}

/** @param value undefined when it is to go */
async function changeField(
  start: CodStart,
  uri: string,
  name: string,
  value: unknown,
  options: FieldOptions,
  change: (series: CODObject, metadata: SeriesMetadata, dirty: Dirty) => Promise<void>,
): Promise<0> {
  requireOwnName(name)
  const place = seriesTarget(uri)
  const { result: before, isChanged } = await changeSeries(place, start, options, async (series, dirty) => {
    const metadata = await series.getMetadata()
    const before = metadata.fields.get(name)
    await change(series, metadata, dirty)
    return before
  })
  const document = { uri: seriesUri(place), name, dry_run: options.dryRun, changed: isChanged }
  await printJson(start, { ...document, before: before ?? null, value: value ?? null }, () =>
    renderChange(name, { before, value, isChanged }, options),
  )
  return 0
}

interface FieldChange {
  readonly before: unknown
  readonly value: unknown
  readonly isChanged: boolean
}

export function renderChange(
  name: string,
  { before, value, isChanged }: FieldChange,
  { dryRun }: Pick<WriteOptions, "dryRun">,
): string {
  if (!isChanged)
    return `${safe(name)}: nothing to do, ${value === undefined ? "there is no such field" : "it says so already"}`
  const what = value === undefined ? "removed" : `set to ${brief(value)}`
  const old = before === undefined ? "not there" : brief(before)
  return dryRun
    ? `${safe(name)} would be ${what}, it is ${old}; nothing was written`
    : `${safe(name)} ${what}, it was ${old}`
}

function renderFields(fields: SeriesMetadata["fields"]): string {
  if (fields.size === 0) return "no fields beside the instances"
  return table(
    ["field", "value"],
    Array.from(fields, ([name, value]) => [name, brief(value)]),
  )
}

/** A thumbnail's description may have thousands of lines. */
const SHOWN = 100

function brief(value: unknown): string {
  const text = safe(textOf(value))
  return text.length <= SHOWN ? text : `${text.slice(0, SHOWN)}… (${text.length} characters)`
}

/** Fields may hold integers that `JSON.stringify` refuses. */
async function printJson(start: CodStart, document: unknown, render: () => string): Promise<void> {
  const text = start.json ? textOf(document) : render()
  await writeOut(({ write }) => write(Buffer.from(`${text}\n`)))
}

function textOf(value: unknown): string {
  return stringifyJson(value)
}

function parsedValue(json: string): unknown {
  try {
    return parseJson(json)
  } catch (error) {
    if (!(error instanceof AppError)) throw error
    throw new UsageError(
      `JSON: "${safe(json)}" is none: ${safe(error.message)}`,
      `A text stands in quotes, for the shell once more: '"text"'.`,
    )
  }
}

/** @throws UsageError for a name that only the format, or its writer, may give a value */
function requireOwnName(name: string): void {
  if (name === TAR_RECORD) throw new UsageError(`the field ${TAR_RECORD} is written by the library itself`)
  try {
    requireFieldName(name)
  } catch (error) {
    if (error instanceof InvalidMetadata) throw new UsageError(safe(error.message))
    throw error
  }
}
