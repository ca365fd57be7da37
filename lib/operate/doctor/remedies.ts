import { AccessDenied, BucketNotFound, RequestRefused, Unavailable } from "../../storage/errors.ts"
import type { Config } from "../../support/config.ts"
import { AppError } from "../../support/errors.ts"
import { type GcsDocument, gcsRole, originPolicy } from "../permissions/documents.ts"

/** What was tried. */
export type Right = "list" | "get" | "create" | "delete"

/** What to do about an error of a store; undefined where the error's own hint is the best there is. */
export type FixOf = (error: unknown, right: Right) => string | undefined

/** The variables that name a place, and how it is reached. */
export interface Place {
  readonly uri: string
  /** Of its URI. */
  readonly variable: "ORIGIN_URI" | "DESTINATION_URI" | "COD_DATASTORE_URI" | "LEDGER_BACKUP_URI"
  readonly config: Partial<Config>
}

export function remediesFor(place: Place): FixOf {
  if (place.uri.startsWith("s3://")) return (error) => fixOfS3(error, place)
  if (place.uri.startsWith("gs://")) return (error, right) => fixOfGcs(error, right, place)
  return (error) => fixOfFolder(error, place)
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
const S3_FIXES: Readonly<Record<string, string>> = {
  InvalidAccessKeyId: "Set AWS_ACCESS_KEY_ID to a key that exists and is active.",
  SignatureDoesNotMatch: "Set AWS_SECRET_ACCESS_KEY to the secret of the key in AWS_ACCESS_KEY_ID.",
  ExpiredToken:
    "Set new AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, or sign in again (aws sso login).",
  InvalidToken:
    "Set AWS_SESSION_TOKEN to the token of this key, or leave it out for a key that is not temporary.",
  RequestTimeTooSkewed: "Set this machine's clock (timedatectl set-ntp true).",
  PermanentRedirect: "Set AWS_REGION_NAME to the region of the bucket.",
  AuthorizationHeaderMalformed: "Set AWS_REGION_NAME to the region of the bucket.",
  NoSuchBucket: "Set ORIGIN_URI (or S3_ORIGIN_BUCKET_NAME) to a bucket that exists.",
}

function fixOfS3(error: unknown, { uri, config }: Place): string | undefined {
  if (error instanceof Unavailable) return fixOfSilence("AWS_ENDPOINT_URL", config.s3?.endpoint, "Amazon S3")
  const code = codeOf(error)
  const known = S3_FIXES[code ?? ""]
  if (known !== undefined) return known
  if (!(error instanceof AccessDenied)) return undefined
  if (code === undefined)
    return "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or give this machine a role."
  return [
    "Attach this policy to the user or role that this machine is (aws iam put-user-policy or put-role-policy); a bucket",
    "that is encrypted with a key of its own also needs kms:Decrypt on that key:",
    originPolicy(bucketOf(uri)),
  ].join("\n")
}

interface Needed {
  readonly neededBy: string
  /** The document that has it. */
  readonly name: GcsDocument
  /** Of the role that the document makes. */
  readonly role: string
}

/** Who needs a right at the datastore: replacing an object takes the right to delete it too. */
const AT_DATASTORE: Needed = {
  name: "gcs-ingest.json",
  role: "chestXrayIngest",
  neededBy: "ingest, run and schedule, which lock, pack and unlock series there",
}

const COPY = { name: "gcs-copy.json", role: "chestXrayCopy" } as const

/** Who needs a right elsewhere. */
const GCS_RIGHTS: Readonly<Record<Right, Needed>> = {
  create: { ...COPY, neededBy: "copy, run and schedule" },
  get: {
    ...COPY,
    neededBy:
      "copy, run and schedule (after a crash, or where an object is there already), ingest and verify --read",
  },
  delete: {
    ...COPY,
    neededBy: "copy, run and schedule (where a source has changed) and by verify --prune",
  },
  list: { name: "gcs-verify.json", role: "chestXrayVerify", neededBy: "verify, adopt and why" },
}

function fixOfGcs(error: unknown, right: Right, { uri, variable, config }: Place): string | undefined {
  if (error instanceof Unavailable) {
    return fixOfSilence("STORAGE_EMULATOR_HOST", config.gcs?.emulatorUrl, "storage.googleapis.com")
  }
  if (error instanceof BucketNotFound) {
    const shorthand = variable === "DESTINATION_URI" ? " (or GCS_BUCKET_NAME)" : ""
    return `Set ${variable}${shorthand} to a bucket that exists.`
  }
  if (!(error instanceof AccessDenied)) return undefined
  const isForbidden = error.facts.status === 403 || config.gcs?.emulatorUrl !== undefined
  if (!isForbidden) {
    return (
      "Set GCS_CREDENTIALS_PATH to the key file of a service account that is not disabled, " +
      "or sign in: gcloud auth application-default login."
    )
  }
  const { name, neededBy, role } = variable === "COD_DATASTORE_URI" ? AT_DATASTORE : GCS_RIGHTS[right]
  return [
    `Needed by ${neededBy}. Save this as ${name}:`,
    gcsRole(name),
    "then make a role of it, and give this machine's service account that role on the bucket:",
    `gcloud iam roles create ${role} --project PROJECT --file ${name}`,
    `gcloud storage buckets add-iam-policy-binding gs://${bucketOf(uri)} --member serviceAccount:ACCOUNT \\`,
    `  --role projects/PROJECT/roles/${role}`,
  ].join("\n")
}

function fixOfSilence(variable: string, url: string | undefined, service: string): string {
  if (url !== undefined) return `Set ${variable} (now ${url}) to where the service is, or start the service.`
  return `See that this machine reaches ${service} (network, firewall, HTTPS_PROXY), then run this again.`
}

function fixOfFolder(error: unknown, { uri, variable }: Place): string | undefined {
  if (error instanceof BucketNotFound || error instanceof RequestRefused)
    return `Set ${variable} to a folder.`
  if (error instanceof AccessDenied)
    return `Give ${uri} to the user that runs this (chown -R), or set ${variable} to another.`
  return undefined
}

function bucketOf(uri: string): string {
  return new URL(uri).hostname
}

/** The service's own word for what is wrong. */
function codeOf(error: unknown): string | undefined {
  const code = error instanceof AppError ? error.facts.code : undefined
  return typeof code === "string" ? code : undefined
}
