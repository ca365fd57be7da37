import { describe, expect, test } from "bun:test"
import { remediesFor } from "../../../lib/operate/doctor/remedies.ts"
import { readSettings } from "../../../lib/operate/doctor/settings.ts"
import { AccessDenied, BucketNotFound, Unavailable } from "../../../lib/storage/errors.ts"

const origin = remediesFor({ uri: "s3://pacs/files", variable: "ORIGIN_URI", config: {} })
const destination = remediesFor({ uri: "gs://xrays", variable: "DESTINATION_URI", config: {} })

const denied = (facts: Record<string, string | number>) => new AccessDenied("denied", facts)

describe("what mends a refusal", () => {
  test.each([
    ["ExpiredToken", "AWS_SESSION_TOKEN"],
    ["InvalidToken", "AWS_SESSION_TOKEN"],
    ["RequestTimeTooSkewed", "timedatectl"],
    ["AccessDenied", '"arn:aws:s3:::pacs/*"'],
  ])("of S3 is told by its code: %s", (code, fix) => {
    expect(origin(denied({ status: 403, code }), "get")).toContain(fix)
  })

  test("for want of any credentials of Amazon names all ways to give them", () => {
    expect(origin(denied({}), "list")).toMatch(/AWS_ACCESS_KEY_ID.*AWS_PROFILE.*role/)
  })

  test("from another region names the region", () => {
    const error = new BucketNotFound("elsewhere", { code: "PermanentRedirect" })
    expect(origin(error, "list")).toContain("AWS_REGION_NAME")
  })

  test("of GCS is the role when it is forbidden, the credentials when they are no good", () => {
    expect(destination(denied({ status: 403 }), "create")).toContain("gcloud iam roles create chestXrayCopy ")
    expect(destination(denied({ status: 403 }), "list")).toContain("gcloud iam roles create chestXrayVerify ")
    expect(destination(denied({ status: 401 }), "create")).toStartWith("Set GCS_CREDENTIALS_PATH ")
    expect(destination(denied({}), "create")).toStartWith("Set GCS_CREDENTIALS_PATH ")
  })

  test("that is none, but silence, is the address where one is set, else the way there", () => {
    const config = readSettings({ AWS_ENDPOINT_URL: "http://127.0.0.1:9" }).config
    const elsewhere = remediesFor({ uri: "s3://pacs", variable: "ORIGIN_URI", config })
    const error = new Unavailable("503", {})
    expect(elsewhere(error, "get")).toStartWith("Set AWS_ENDPOINT_URL (now http://127.0.0.1:9)")
    expect(origin(error, "get")).toContain("reaches Amazon S3")
    expect(destination(error, "get")).toContain("reaches storage.googleapis.com")
  })
})
