import { resolve } from "node:path"
import { z } from "zod"
import { isCronLine, isTimezone } from "./cron.ts"
import { PROJECT_ROOT } from "./project.ts"

/** How the text of a setting is read: the parser, and for the operator what it expects with an example. */
export interface ValueKind<T> {
  readonly expected: string
  readonly example: string
  readonly schema: z.ZodType<T, string>
}

export type LogLevel = z.output<(typeof logLevel)["schema"]>

export const text = kind("some text", "text", z.string())

/** By the project's folder: started from anywhere else, a script must not begin a second ledger there. */
export const localPath = kind(
  "a path",
  "state/file",
  z.string().transform((path) => resolve(PROJECT_ROOT, path)),
)

export const port = wholeNumber("a port from 1 to 65535", "5432", 65_535)

export const listeningPort = kind(
  "a port from 1 to 65535, or 0 for any that is free",
  "8080",
  z
    .string()
    .regex(/^\d{1,5}$/)
    .transform(Number)
    .refine((value) => value <= 65_535),
)

export const positiveInteger = wholeNumber("a whole number from 1", "4", Number.MAX_SAFE_INTEGER)

export const wholeNumberOrNone = kind(
  "a whole number; 0 for none",
  "2",
  z
    .string()
    .regex(/^\d{1,6}$/)
    .transform(Number),
)

export const seconds = kind(
  "a number of seconds above 0",
  "30",
  z
    .string()
    .regex(/^\d+(?:\.\d+)?$/)
    .transform(Number)
    .refine((value) => value > 0),
)

const BYTES_OF_UNIT = new Map([
  ["", 1],
  ["B", 1],
  ["K", 1e3],
  ["M", 1e6],
  ["G", 1e9],
  ["T", 1e12],
  ["KB", 1e3],
  ["MB", 1e6],
  ["GB", 1e9],
  ["TB", 1e12],
  ["KIB", 2 ** 10],
  ["MIB", 2 ** 20],
  ["GIB", 2 ** 30],
  ["TIB", 2 ** 40],
])

export const byteSize = kind(
  "a size in bytes or with a unit",
  "4 GiB",
  z.string().transform((value, context) => {
    const [, amount, unit] = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(value) ?? []
    const size = Math.floor(Number(amount) * (BYTES_OF_UNIT.get(unit?.toUpperCase() ?? "") ?? Number.NaN))
    if (Number.isSafeInteger(size) && size > 0) return size
    context.addIssue("not a size")
    return z.NEVER
  }),
)

export const usd = kind(
  "an amount of US dollars",
  "0.09",
  z
    .string()
    .regex(/^\d+(?:\.\d+)?$/)
    .transform(Number),
)

export const httpUrl = kind(
  "an http:// or https:// URL",
  "http://127.0.0.1:9000",
  z.url({ protocol: /^https?$/ }).transform(withoutTrailingSlash),
)

/** It carries a public key and the number of a project. */
export const sentryDsn = kind(
  "a DSN of Sentry",
  "https://key@sentry.example.com/1",
  z.string().regex(/^https?:\/\/\w+(?::\w+)?@[^\s/@]+(?:\/[^\s?#]+)?\/\d+$/),
)

/**
 * One part of a connection URI as libpq and its relatives take it; `undefined` where it leaves that part out.
 */
export function partOfDatabaseUrl(part: (url: URL) => string): ValueKind<string | undefined> {
  return kind(
    "a connection URL",
    "postgres://research_reader:change-me@pacs-db.hospital.internal:5432/pacs",
    z
      .url({ protocol: /^postgres(?:ql)?$/ })
      .refine((url) => isDecodable(url))
      .transform((url) => part(new URL(url)) || undefined),
  )
}

/** Bucket names that S3 or GCS take, with the dots and underscores of older ones. */
const BUCKET = "[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]"
const BUCKET_WORDS =
  "a bucket's name has 3 to 222 of a-z, 0-9, dot, dash and underscore, and no sign at its ends"

export function bucketAsUri(scheme: string): ValueKind<string> {
  const schema = z
    .string()
    .regex(new RegExp(`^${BUCKET}$`))
    .transform((bucket) => `${scheme}://${bucket}`)
  return kind(`a bucket's name alone (${BUCKET_WORDS})`, "chest-xrays", schema)
}

export const originUri = storeUri(`an s3://, gs:// or file:// URI (${BUCKET_WORDS})`, "s3://hospital-pacs", [
  "s3",
  "gs",
  "file",
])

/** Not S3: the origin's service is only ever read. */
export const destinationUri = storeUri(`a gs:// or file:// URI (${BUCKET_WORDS})`, "gs://chest-xrays", [
  "gs",
  "file",
])

/** Readers on the web cannot address a datastore at a bucket's root. */
export const datastoreUri: ValueKind<string> = kind(
  "a gs:// URI with a prefix behind the bucket, or a file:// URI",
  "gs://chest-xrays/cod/dicomweb",
  destinationUri.schema.refine((uri) => !/^gs:\/\/[^/]+$/.test(uri)),
)

export const sslMode = oneOf(["disable", "prefer", "require", "verify-ca", "verify-full"], "verify-full")

/** The levels of Python's logging module. */
const LEVELS = ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] as const

export const logLevel = oneOf(LEVELS, "INFO", (value) => value.toUpperCase())

export const cronLine = kind(
  "five fields as in a crontab, on a date that exists",
  "0 2 * * *",
  z.string().trim().refine(isCronLine),
)

export const timezone = kind("an IANA time zone", "Europe/Madrid", z.string().refine(isTimezone))

/** DICOM modality codes (PS3.3 C.7.3.1.1.1), in upper case. */
export const modalities = kind(
  "modality codes separated by commas",
  "SR,PR",
  z
    .string()
    .transform((value) =>
      value
        .toUpperCase()
        .split(/[\s,]+/)
        .filter((code) => code !== ""),
    )
    .pipe(z.array(z.string().regex(/^[A-Z0-9]{1,16}$/))),
)

/** Names of objects as the folder of a series has them for its locks, each once. */
export const lockNames = kind(
  "names like .cod.lock, each once, separated by commas",
  ".cod.lock,.gradient.lock",
  z
    .string()
    .transform((value) => value.split(",").map((name) => name.trim()))
    .refine((names) => names.every((name) => /^\.[\w-][\w.-]*\.lock$/.test(name)))
    .refine((names) => new Set(names).size === names.length),
)

export const metadataVersion = oneOf(["2.0", "1.0"], "2.0")

/** Whoever knows some of the texts that it stands for can try out every short key. */
export const secretKey = kind(
  "a text of 16 characters or more that nobody can guess",
  "change-me-to-a-long-random-text",
  z.string().min(16),
)

function kind<T>(expected: string, example: string, schema: z.ZodType<T, string>): ValueKind<T> {
  return { expected, example, schema }
}

function wholeNumber(expected: string, example: string, most: number): ValueKind<number> {
  const schema = z
    .string()
    .regex(/^\d+$/)
    .transform(Number)
    .refine((value) => value >= 1 && value <= most)
  return kind(expected, example, schema)
}

function oneOf<const T extends string>(
  values: readonly T[],
  example: T,
  fold = (value: string) => value.toLowerCase(),
): ValueKind<T> {
  return kind(`one of ${values.join(", ")}`, example, z.string().transform(fold).pipe(z.enum(values)))
}

function storeUri(expected: string, example: string, schemes: readonly string[]): ValueKind<string> {
  const forms = schemes.map((scheme) =>
    scheme === "file" ? "file:///[^?#]*" : `${scheme}://${BUCKET}(?:/[^?#]*)?`,
  )
  const schema = z
    .string()
    .regex(new RegExp(`^(?:${forms.join("|")})$`))
    .transform(withoutTrailingSlash)
  return kind(expected, example, schema)
}

function withoutTrailingSlash(uri: string): string {
  return uri.replace(/(?<=[^/])\/+$/, "")
}

/** A stray `%` in a password parses as a URL and then cannot be decoded. */
function isDecodable(url: string): boolean {
  try {
    decodeURIComponent(url)
    return true
  } catch (error) {
    if (error instanceof URIError) return false
    throw error
  }
}
