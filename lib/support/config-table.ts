import {
  bucketAsUri,
  byteSize,
  cronLine,
  datastoreUri,
  destinationUri,
  httpUrl,
  listeningPort,
  localPath,
  lockNames,
  logLevel,
  metadataVersion,
  modalities,
  originUri,
  partOfDatabaseUrl,
  port,
  positiveInteger,
  seconds,
  secretKey,
  sentryDsn,
  sslMode,
  text,
  timezone,
  usd,
  type ValueKind,
  wholeNumberOrNone,
} from "./config-values.ts"

/** One setting: an environment variable, what it is for, and its other names. */
export interface Variable<T> {
  readonly name: string
  readonly kind: ValueKind<T>
  /** One phrase, for people. */
  readonly purpose: string
  readonly example: string
  /**
   * As it would be written in the environment. Without it the variable must be set, unless it is `optional`.
   */
  readonly default?: string
  readonly optional?: true
  /** Never printed, logged or repeated in a message. */
  readonly secret?: true
  /** A name of the replaced system, so that the operator's old `.env` goes on working. */
  readonly inherited?: true
  /** Other names for the same thing, the stronger first; the variable's own wins over them. */
  readonly also?: readonly OtherName[]
}

export interface OtherName {
  readonly name: string
  /**
   * `twin`: as much ours as the main name, so that two different values are an error;
   * `generic`: a standard name of a cloud or a database, which ours wins over.
   */
  readonly rank: "twin" | "generic"
  /** Translates its text into the main name's; into `undefined` where it says nothing of it. */
  readonly as?: ValueKind<string | undefined>
  readonly secret?: true
  readonly inherited?: true
}

/** Names that are accepted without effect, and what the operator is told. */
export const RETIRED: readonly { readonly name: string; readonly note: string }[] = [
  { name: "REDIS_URL", note: "no longer used: the SQLite ledger took the place of Redis" },
]

/** Every variable of the project by the part of it that asks for it. */
export const VARIABLES = {
  database: {
    host: {
      name: "SOURCE_DATABASE_HOST",
      kind: text,
      purpose: "host of the PACS database, or the folder of its Unix socket",
      example: "pacs-db.hospital.internal",
      inherited: true,
      also: [fromUrl((url) => url.searchParams.get("host") ?? url.hostname), generic("PGHOST")],
    },
    port: {
      name: "SOURCE_DATABASE_PORT",
      kind: port,
      purpose: "its port",
      example: "6432",
      default: "5432",
      inherited: true,
      also: [fromUrl((url) => url.port), generic("PGPORT")],
    },
    name: {
      name: "SOURCE_DATABASE_NAME",
      kind: text,
      purpose: "name of the PACS database",
      example: "pacs",
      inherited: true,
      also: [fromUrl((url) => decodeURIComponent(url.pathname.slice(1))), generic("PGDATABASE")],
    },
    user: {
      name: "SOURCE_DATABASE_USER",
      kind: text,
      purpose: "a role that may read it",
      example: "research_reader",
      inherited: true,
      also: [fromUrl((url) => decodeURIComponent(url.username)), generic("PGUSER")],
    },
    password: {
      name: "SOURCE_DATABASE_PASS",
      kind: text,
      purpose: "that role's password (any text where the database asks for none)",
      example: "change-me",
      secret: true,
      inherited: true,
      also: [fromUrl((url) => decodeURIComponent(url.password)), generic("PGPASSWORD")],
    },
    sslMode: {
      name: "SOURCE_DATABASE_SSLMODE",
      kind: sslMode,
      purpose: "encryption of the connection, as libpq names it",
      example: "verify-full",
      default: "prefer",
      also: [fromUrl((url) => url.searchParams.get("sslmode") ?? ""), generic("PGSSLMODE")],
    },
    caPath: {
      name: "SOURCE_DATABASE_CA",
      kind: localPath,
      purpose: "authority that signed the database's certificate (PEM file, seen from the project's folder)",
      example: "/etc/ssl/pacs-ca.pem",
      optional: true,
      also: [fromUrl((url) => url.searchParams.get("sslrootcert") ?? ""), generic("PGSSLROOTCERT")],
    },
  },

  ranking: {
    from: {
      name: "RANK_FROM",
      kind: positiveInteger,
      purpose: "first rank of the chosen doctors",
      example: "1",
      default: "2",
    },
    to: {
      name: "RANK_TO",
      kind: positiveInteger,
      purpose: "last rank of the chosen doctors",
      example: "10",
      default: "6",
    },
    toleratedModalities: {
      name: "TOLERATED_MODALITIES",
      kind: modalities,
      purpose: "modalities that a study may have beside CR and DX",
      example: "SR,PR",
      default: "",
    },
    cohortPin: {
      name: "COHORT_PIN",
      kind: positiveInteger,
      purpose: "a cohort of the ledger whose doctors stay the chosen ones, instead of ranking anew",
      example: "12",
      optional: true,
    },
  },

  schedule: {
    cron: {
      name: "SCHEDULE_CRON",
      kind: cronLine,
      purpose: "when `schedule` runs the whole job",
      example: "30 21 * * 1-5",
      default: "0 2 * * *",
    },
    timezone: {
      name: "SCHEDULE_TZ",
      kind: timezone,
      purpose: "the time zone of these times",
      example: "Europe/Madrid",
      default: "UTC",
    },
  },

  page: {
    host: {
      name: "PAGE_HOST",
      kind: text,
      purpose:
        "the address that the page listens on; another than loopback needs FLOWER_USER and FLOWER_PASSWORD",
      example: "0.0.0.0",
      default: "127.0.0.1",
    },
    port: {
      name: "PAGE_PORT",
      kind: listeningPort,
      purpose: "the port of the page",
      example: "8080",
      default: "5555",
    },
    user: {
      name: "FLOWER_USER",
      kind: text,
      purpose: "who may log in to the page",
      example: "etl",
      optional: true,
      inherited: true,
    },
    password: {
      name: "FLOWER_PASSWORD",
      kind: text,
      purpose: "the password of whoever logs in",
      example: "correct horse battery staple",
      optional: true,
      secret: true,
      inherited: true,
    },
    secretKey: {
      name: "SECRET_KEY",
      kind: text,
      purpose: "signs the page's sessions; without it they end when the page does",
      example: "64 random characters",
      optional: true,
      secret: true,
      inherited: true,
    },
  },

  origin: {
    uri: {
      name: "ORIGIN_URI",
      kind: originUri,
      purpose: "where the files are copied from; only ever read",
      example: "s3://hospital-pacs",
      also: [bucketTwin("S3_ORIGIN_BUCKET_NAME", "s3")],
    },
  },

  destination: {
    uri: {
      name: "DESTINATION_URI",
      kind: destinationUri,
      purpose: "where the files are copied to",
      example: "gs://research-chest-xrays",
      also: [bucketTwin("GCS_BUCKET_NAME", "gs")],
    },
  },

  s3: {
    accessKeyId: {
      name: "AWS_ACCESS_KEY_ID",
      kind: text,
      purpose: "access key for S3; without it the AWS chain (profile, SSO, role) decides",
      example: "AKIAIOSFODNN7EXAMPLE",
      optional: true,
      secret: true,
      inherited: true,
    },
    secretAccessKey: {
      name: "AWS_SECRET_ACCESS_KEY",
      kind: text,
      purpose: "its secret",
      example: "change-me",
      optional: true,
      secret: true,
      inherited: true,
    },
    sessionToken: {
      name: "AWS_SESSION_TOKEN",
      kind: text,
      purpose: "session token of temporary keys",
      example: "change-me",
      optional: true,
      secret: true,
    },
    profile: {
      name: "AWS_PROFILE",
      kind: text,
      purpose: "profile of the AWS configuration files; keys given here win over it",
      example: "research",
      optional: true,
    },
    region: {
      name: "AWS_REGION_NAME",
      kind: text,
      purpose: "region of the origin's bucket",
      example: "us-east-1",
      optional: true,
      inherited: true,
      also: [generic("AWS_REGION"), generic("AWS_DEFAULT_REGION")],
    },
    endpoint: {
      name: "AWS_ENDPOINT_URL",
      kind: httpUrl,
      purpose: "another service that speaks S3, addressed path-style",
      example: "http://127.0.0.1:9000",
      optional: true,
    },
  },

  gcs: {
    credentialsPath: {
      name: "GCS_CREDENTIALS_PATH",
      kind: localPath,
      purpose: "service account key (JSON file, seen from the project's folder), else default credentials",
      example: "/etc/secrets/gcs.json",
      optional: true,
      inherited: true,
      also: [generic("GOOGLE_APPLICATION_CREDENTIALS")],
    },
    emulatorUrl: {
      name: "STORAGE_EMULATOR_HOST",
      kind: httpUrl,
      purpose: "another service that speaks the GCS JSON API, called without credentials",
      example: "http://127.0.0.1:4443",
      optional: true,
    },
  },

  cod: {
    lockNames: {
      name: "COD_LOCK_NAMES",
      kind: lockNames,
      purpose:
        "objects that lock a series, in the order in which they are made; the Python package looks at .gradient.lock only",
      example: ".gradient.lock",
      default: ".cod.lock,.gradient.lock",
    },
    metadataVersion: {
      name: "COD_METADATA_VERSION",
      kind: metadataVersion,
      purpose: "version in which the metadata of a series is written; some web readers know 1.0 only",
      example: "1.0",
      default: "2.0",
    },
    uidHashKey: {
      name: "UID_HASH_KEY",
      kind: secretKey,
      purpose:
        "key of the HMAC that stands for UIDs in paths and keys, not in the files; without it series are stored by their own UIDs",
      example: "change-me-to-a-long-random-text",
      optional: true,
      secret: true,
    },
  },

  ingest: {
    datastore: {
      name: "COD_DATASTORE_URI",
      kind: datastoreUri,
      purpose:
        "where series are packed, by default cod/dicomweb below the destination; never a bucket's root",
      example: "gs://research-lake/cod/dicomweb",
      optional: true,
    },
    concurrency: {
      name: "INGEST_CONCURRENCY",
      kind: positiveInteger,
      purpose: "series that are packed at a time",
      example: "4",
      default: "8",
    },
    thumbnailConcurrency: {
      name: "THUMBNAIL_CONCURRENCY",
      kind: wholeNumberOrNone,
      purpose: "thumbnails that are made at a time while series are packed; 0: none is",
      example: "4",
      default: "2",
    },
  },

  ledger: {
    path: {
      name: "LEDGER_PATH",
      kind: localPath,
      purpose: "the SQLite file that holds all progress, seen from the project's folder; on a local disk",
      example: "/var/lib/etl/ledger.sqlite",
      default: "state/ledger.sqlite",
    },
  },

  backup: {
    uri: {
      name: "LEDGER_BACKUP_URI",
      kind: destinationUri,
      purpose: "where backups of the ledger are copied to; the 7 newest also stand beside it",
      example: "gs://research-etl-backups/ledger",
      optional: true,
    },
  },

  copy: {
    concurrency: {
      name: "COPY_CONCURRENCY",
      kind: positiveInteger,
      purpose: "studies in flight",
      example: "8",
      default: "4",
    },
    objectsInFlight: {
      name: "OBJECTS_IN_FLIGHT",
      kind: positiveInteger,
      purpose: "objects in flight over all studies",
      example: "32",
      default: "16",
    },
    spoolDir: {
      name: "SPOOL_DIR",
      kind: localPath,
      purpose: "folder, seen from the project's, where objects wait between download, upload and packing",
      example: "/var/tmp/etl",
      default: "state/tmp",
    },
    spoolBytes: {
      name: "SPOOL_BYTES",
      kind: byteSize,
      purpose: "room that they may take there together",
      example: "20 GB",
      default: "4 GiB",
    },
    stallSeconds: {
      name: "STALL_SECONDS",
      kind: seconds,
      purpose: "a transfer without a single byte for so long is aborted and tried again",
      example: "60",
      default: "30",
    },
    bytesPerSecond: {
      name: "COPY_BYTES_PER_SECOND",
      kind: byteSize,
      purpose:
        "bytes that are read from the origin in a second, over all bodies; without it there is no limit",
      example: "20 MB",
      optional: true,
    },
    egressUsdPerGb: {
      name: "EGRESS_USD_PER_GB",
      kind: usd,
      purpose: "price of 1,000,000,000 bytes that leave the origin, for estimates of the cost",
      example: "0.09",
      optional: true,
    },
  },

  logging: {
    level: {
      name: "LOGGING_LEVEL",
      kind: logLevel,
      purpose: "least level that is logged, by Python's names in any case",
      example: "DEBUG",
      default: "INFO",
      inherited: true,
    },
    sentryDsn: {
      name: "SENTRY_DNS",
      kind: sentryDsn,
      purpose: "Sentry's DSN: defects and what ends a run are reported there, without values",
      example: "https://key@sentry.example.com/1",
      optional: true,
      secret: true,
      inherited: true,
      also: [{ name: "SENTRY_DSN", rank: "twin" }],
    },
  },
} as const satisfies Record<string, Record<string, Variable<unknown>>>

function generic(name: string): OtherName {
  return { name, rank: "generic" }
}

/** The replaced system's name for a bucket is a shorthand for its URI. */
function bucketTwin(name: string, scheme: string): OtherName {
  return { name, rank: "twin", as: bucketAsUri(scheme), inherited: true }
}

function fromUrl(part: (url: URL) => string): OtherName {
  return { name: "DATABASE_URL", rank: "generic", as: partOfDatabaseUrl(part), secret: true }
}
