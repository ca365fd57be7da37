import { expect, test } from "bun:test"
import { redactor } from "../../lib/support/redact.ts"

test("a known secret is hidden wherever it stands, also as JSON and URLs spell it", () => {
  const secret = 'p@ss"word/1'
  const redact = redactor([secret])
  for (const text of [secret, JSON.stringify({ secret }), `x=${encodeURIComponent(secret)}&y`]) {
    const redacted = redact(text)
    expect(redacted).toContain("[hidden]")
    expect(redacted).not.toContain("word")
  }
})

test("a secret that is a part of another leaves nothing of the other", () => {
  expect(redactor(["secret", "secret-and-more"])("secret-and-more, secret")).toBe("[hidden], [hidden]")
})

test("too short a secret would garble every message", () => {
  expect(redactor(["a", ""])("a plain message")).toBe("a plain message")
})

test.each([
  ["postgres://reader:hunter2@db:5432/pacs", "postgres://reader:[hidden]@db:5432/pacs"],
  ["redis://:hunter2@localhost", "redis://:[hidden]@localhost"],
  [
    "GET https://b.s3.amazonaws.com/k?X-Amz-Signature=abc&x=1",
    "GET https://b.s3.amazonaws.com/k?X-Amz-Signature=[hidden]&x=1",
  ],
  ["/upload/b/o?uploadType=resumable&upload_id=ABg5", "/upload/b/o?uploadType=resumable&upload_id=[hidden]"],
  ['{"authorization":"Bearer ya29.a0"}', '{"authorization":"Bearer [hidden]"}'],
  ["AWS4-HMAC-SHA256 Credential=AKIA/x, Signature=y", "AWS4-HMAC-SHA256 [hidden]"],
])("what looks like a credential is hidden: %s", (text, redacted) => {
  expect(redactor([])(text)).toBe(redacted)
})

test("ordinary text is left alone", () => {
  for (const text of ["s3://bucket/a:b@c", "https://host/path?size=1", "a signature of 12 bytes"]) {
    expect(redactor([])(text)).toBe(text)
  }
})
