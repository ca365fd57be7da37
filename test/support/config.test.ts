import { describe, expect, test } from "bun:test"
import { join } from "node:path"
import {
  ConfigError,
  type ConfigPart,
  type Environment,
  loadConfig,
  retiredNotes,
  secretValues,
} from "../../lib/support/config.ts"
import { PROJECT_ROOT } from "./process.ts"
import { tempDir } from "./temp.ts"

const DATABASE = {
  SOURCE_DATABASE_HOST: "pacs",
  SOURCE_DATABASE_NAME: "main",
  SOURCE_DATABASE_USER: "reader",
  SOURCE_DATABASE_PASS: "secret-word",
}

function problemsOf(parts: readonly ConfigPart[], env: Environment): readonly string[] {
  try {
    loadConfig(parts, env)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
}

describe("what is asked for", () => {
  test("only the parts that a script names are looked at", () => {
    const env = { ...DATABASE, COPY_CONCURRENCY: "x" }
    expect(Object.keys(loadConfig(["database"], env))).toEqual(["database"])
    expect(problemsOf(["database", "copy"], env)).toHaveLength(1)
  })

  test("defaults hold for what is unset or empty", () => {
    const { copy, ranking, ledger, logging } = loadConfig(["copy", "ranking", "ledger", "logging"], {
      RANK_TO: "",
    })
    expect(copy).toEqual({
      concurrency: 4,
      objectsInFlight: 16,
      spoolDir: join(PROJECT_ROOT, "state/tmp"),
      spoolBytes: 4 * 2 ** 30,
      stallSeconds: 30,
      bytesPerSecond: undefined,
      egressUsdPerGb: undefined,
    })
    expect(ranking).toEqual({ from: 2, to: 6, toleratedModalities: [], cohortPin: undefined })
    expect(ledger.path).toBe(join(PROJECT_ROOT, "state/ledger.sqlite"))
    expect(logging.level).toBe("INFO")
  })

  test("a relative path is seen from the project's folder, wherever a script is started", () => {
    using elsewhere = tempDir("elsewhere")
    const script = `
      import { loadConfig } from ${JSON.stringify(join(PROJECT_ROOT, "lib/support/config.ts"))}
      const { ledger, copy } = loadConfig(["ledger", "copy"], { SPOOL_DIR: "/var/tmp/etl" })
      console.log(JSON.stringify([ledger.path, copy.spoolDir]))`
    const { stdout } = Bun.spawnSync([process.execPath, "-e", script], { cwd: elsewhere.path })
    expect(JSON.parse(String(stdout))).toEqual([join(PROJECT_ROOT, "state/ledger.sqlite"), "/var/tmp/etl"])
  })

  test("the replaced system's variables work under their old names", () => {
    const env = {
      ...DATABASE,
      SOURCE_DATABASE_PORT: "6432",
      S3_ORIGIN_BUCKET_NAME: "pacs-files",
      AWS_ACCESS_KEY_ID: "key",
      AWS_SECRET_ACCESS_KEY: "word",
      AWS_REGION_NAME: "sa-east-1",
      GCS_BUCKET_NAME: "research",
      LOGGING_LEVEL: "warning",
    }
    const config = loadConfig(["database", "origin", "destination", "s3", "gcs", "logging"], env)
    expect(config.database).toMatchObject({
      host: "pacs",
      port: 6432,
      name: "main",
      user: "reader",
      sslMode: "prefer",
    })
    expect([config.origin.uri, config.destination.uri]).toEqual(["s3://pacs-files", "gs://research"])
    expect(config.s3).toMatchObject({ accessKeyId: "key", secretAccessKey: "word", region: "sa-east-1" })
    expect(config.logging.level).toBe("WARNING")
  })
})

describe("several names for one thing", () => {
  test("DATABASE_URL says everything, decoded", () => {
    const { database } = loadConfig(["database"], {
      DATABASE_URL: "postgresql://re%40der:p%2Fss%3A@db.example:6543/pa%20cs?sslmode=require",
    })
    expect(database).toMatchObject({ user: "re@der", password: "p/ss:", host: "db.example", port: 6543 })
    expect(database).toMatchObject({ name: "pa cs", sslMode: "require" })
  })

  test("our names win over DATABASE_URL, and DATABASE_URL over PG*, one by one", () => {
    const { database } = loadConfig(["database"], {
      SOURCE_DATABASE_HOST: "ours",
      DATABASE_URL: "postgres://url-user:url-pass@url-host/",
      PGHOST: "pg-host",
      PGUSER: "pg-user",
      PGPORT: "7000",
      PGDATABASE: "pg-name",
    })
    expect(database).toMatchObject({
      host: "ours",
      user: "url-user",
      password: "url-pass",
      port: 7000,
      name: "pg-name",
    })
  })

  test("a generic name that is overruled may hold anything", () => {
    expect(
      loadConfig(["database"], {
        ...DATABASE,
        SOURCE_DATABASE_PORT: "1",
        SOURCE_DATABASE_SSLMODE: "require",
        SOURCE_DATABASE_CA: import.meta.path,
        DATABASE_URL: "mysql://x",
      }).database.port,
    ).toBe(1)
  })

  test("the clouds' own names stand in for ours", () => {
    const { s3, gcs } = loadConfig(["s3", "gcs"], {
      AWS_REGION: "eu-west-1",
      AWS_ENDPOINT_URL: "http://127.0.0.1:9000/",
      GOOGLE_APPLICATION_CREDENTIALS: import.meta.path,
      STORAGE_EMULATOR_HOST: "http://127.0.0.1:4443",
    })
    expect(s3).toMatchObject({ region: "eu-west-1", endpoint: "http://127.0.0.1:9000" })
    expect(gcs).toEqual({ credentialsPath: import.meta.path, emulatorUrl: "http://127.0.0.1:4443" })
  })

  test.each([
    [["origin"], { ORIGIN_URI: "s3://a-bucket", S3_ORIGIN_BUCKET_NAME: "other" }],
    [["destination"], { DESTINATION_URI: "file:///data", GCS_BUCKET_NAME: "bucket" }],
    [["logging"], { SENTRY_DNS: "https://a@example.com/1", SENTRY_DSN: "https://a@example.com/2" }],
  ] as const)("two of our names that differ are an error naming both: %p", (parts, env) => {
    const problems = problemsOf(parts, env)
    expect(problems).toHaveLength(1)
    for (const name of Object.keys(env)) expect(problems[0]).toContain(name)
  })

  test("two of our names that agree are fine", () => {
    const env = { ORIGIN_URI: "s3://pacs-files/", S3_ORIGIN_BUCKET_NAME: "pacs-files" }
    expect(loadConfig(["origin"], env).origin.uri).toBe("s3://pacs-files")
  })
})

describe("what is wrong", () => {
  test("is told all at once, each with its name, what was expected and an example", () => {
    const problems = problemsOf(["database", "origin", "copy", "logging"], {
      SOURCE_DATABASE_PORT: "70000",
      COPY_CONCURRENCY: "0",
      SPOOL_BYTES: "much",
      LOGGING_LEVEL: "loud",
      ORIGIN_URI: "http://bucket",
    })
    const names = ["HOST", "PORT", "NAME", "USER", "PASS"].map((name) => `SOURCE_DATABASE_${name}`)
    expect(problems.map((problem) => /^\w+/.exec(problem)?.[0])).toEqual([
      ...names,
      "ORIGIN_URI",
      "COPY_CONCURRENCY",
      "SPOOL_BYTES",
      "LOGGING_LEVEL",
    ])
    for (const problem of problems) expect(problem).toContain("for example")
    expect(() => loadConfig(["copy"], { COPY_CONCURRENCY: "-1" })).toThrow('COPY_CONCURRENCY="-1"')
  })

  test("a malformed URL of the database is told once, and without its password", () => {
    const problems = problemsOf(["database"], { DATABASE_URL: "postgres://u:hush-hush@host/%E0%A4%A" })
    expect(problems).toHaveLength(1)
    expect(problems[0]).toStartWith("DATABASE_URL (value hidden)")
    expect(problems[0]).not.toContain("hush")
  })

  test("a value cannot forge lines of the message", () => {
    expect(problemsOf(["copy"], { COPY_CONCURRENCY: "1\n  AWS_REGION: fine" })[0]).toContain(
      "1\\n  AWS_REGION",
    )
  })

  test("S3 is no destination, and bucket names are names alone", () => {
    expect(problemsOf(["destination"], { DESTINATION_URI: "s3://bucket" })).toHaveLength(1)
    const [tooShort] = problemsOf(["destination"], { DESTINATION_URI: "gs://d2" })
    expect(tooShort).toContain("a bucket's name has 3 to 222 of a-z")
    expect(problemsOf(["destination"], { GCS_BUCKET_NAME: "gs://bucket" })).toHaveLength(1)
    expect(problemsOf(["origin"], { ORIGIN_URI: "file://relative/folder" })).toHaveLength(1)
  })

  test("half a pair of AWS keys names the other half", () => {
    expect(problemsOf(["s3"], { AWS_ACCESS_KEY_ID: "key" })[0]).toStartWith("AWS_SECRET_ACCESS_KEY")
    expect(problemsOf(["s3"], { AWS_SECRET_ACCESS_KEY: "word" })[0]).toStartWith("AWS_ACCESS_KEY_ID")
  })

  test("ranks that are upside down", () => {
    expect(problemsOf(["ranking"], { RANK_FROM: "7" })[0]).toContain("RANK_TO=6")
  })

  test("files that are not there, but for credentials that an emulator does not need", () => {
    using dir = tempDir()
    const env = { GCS_CREDENTIALS_PATH: dir.file("key.json"), SOURCE_DATABASE_CA: dir.file("ca.pem") }
    expect(problemsOf(["gcs", "database"], { ...DATABASE, ...env })).toHaveLength(2)
    expect(problemsOf(["gcs"], { ...env, STORAGE_EMULATOR_HOST: "http://127.0.0.1:1" })).toEqual([])
  })
})

test.each([
  ["1", 1],
  ["500 MB", 500e6],
  ["1.5kB", 1500],
  ["2 GiB", 2 ** 31],
  ["20M", 20e6],
  ["0", undefined],
  ["12 apples", undefined],
  ["-5", undefined],
  ["9 PB", undefined],
])("SPOOL_BYTES=%s is %p bytes", (text, bytes) => {
  const env = { SPOOL_BYTES: text }
  if (bytes === undefined) expect(problemsOf(["copy"], env)).toHaveLength(1)
  else expect(loadConfig(["copy"], env).copy.spoolBytes).toBe(bytes)
})

test("tolerated modalities are read in any case, with spaces and empty places", () => {
  const { ranking } = loadConfig(["ranking"], { TOLERATED_MODALITIES: "sr, PR,," })
  expect(ranking.toleratedModalities).toEqual(["SR", "PR"])
})

test("a retired variable is reported, not refused", () => {
  expect(retiredNotes({ REDIS_URL: "redis://localhost" })).toEqual([
    expect.stringContaining("REDIS_URL is no longer used"),
  ])
  expect(retiredNotes({})).toEqual([])
})

test("secrets are known by every name that they stand under", () => {
  const env = {
    DATABASE_URL: "postgres://u:p%40ssword@h/d",
    AWS_SECRET_ACCESS_KEY: "aws-word",
    LOGGING_LEVEL: "INFO",
  }
  const secrets = secretValues(env)
  expect(secrets).toContain("p@ssword")
  expect(secrets).toContain("aws-word")
  expect(secrets).not.toContain("INFO")
})
