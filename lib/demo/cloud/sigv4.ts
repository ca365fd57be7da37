const ALGORITHM = "AWS4-HMAC-SHA256"

/** The access key id in the request's `Authorization` header; `undefined` for an anonymous request. */
export function accessKeyOf(request: Request): string | undefined {
  const header = request.headers.get("authorization")
  if (header === null) return undefined
  // A header that can not be read names nobody.
  return credentialOf(header)?.accessKeyId ?? ""
}

/**
 * Whether the header signature (Signature Version 4) fits the request and the secret.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 */
export function isSignedWith(request: Request, secretAccessKey: string): boolean {
  const credential = credentialOf(request.headers.get("authorization") ?? "")
  const date = request.headers.get("x-amz-date")
  if (credential === undefined || date === null || !credential.signedHeaders.includes("host")) return false
  const toSign = [
    ALGORITHM,
    date,
    credential.scope.join("/"),
    sha256(canonicalRequest(request, credential)),
  ].join("\n")
  const [day, region, service, terminator] = credential.scope
  let key: Uint8Array | string = `AWS4${secretAccessKey}`
  for (const step of [day, region, service, terminator]) key = hmac(key, step)
  return Buffer.from(hmac(key, toSign)).toString("hex") === credential.signature
}

interface Credential {
  readonly accessKeyId: string
  /** Day, region, service, `aws4_request`. */
  readonly scope: readonly [string, string, string, string]
  readonly signedHeaders: readonly string[]
  readonly signature: string
}

function credentialOf(header: string): Credential | undefined {
  const match =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/(s3)\/(aws4_request), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
      header,
    )
  if (match === null) return undefined
  const [, accessKeyId, day, region, service, terminator, signedHeaders, signature] = match
  return {
    accessKeyId: accessKeyId!,
    scope: [day!, region!, service!, terminator!],
    signedHeaders: signedHeaders!.split(";"),
    signature: signature!,
  }
}

function canonicalRequest(request: Request, { signedHeaders }: Credential): string {
  const url = new URL(request.url)
  const headers = signedHeaders.map((name) => `${name}:${headerValue(request.headers, name)}\n`)
  return [
    request.method,
    encodeUri(decodeURIComponent(url.pathname)).replaceAll("%2F", "/"),
    canonicalQuery(url),
    headers.join(""),
    signedHeaders.join(";"),
    request.headers.get("x-amz-content-sha256") ?? "",
  ].join("\n")
}

function headerValue(headers: Headers, name: string): string {
  return (headers.get(name) ?? "").trim().replace(/ +/g, " ")
}

function canonicalQuery(url: URL): string {
  return [...url.searchParams]
    .map(([name, value]) => [encodeUri(name), encodeUri(value)] as const)
    .sort(([a, x], [b, y]) => (a === b ? order(x, y) : order(a, b)))
    .map(([name, value]) => `${name}=${value}`)
    .join("&")
}

function order(a: string, b: string): number {
  return a < b ? -1 : Number(a > b)
}

/** Percent-encodes all but the unreserved characters of RFC 3986. */
function encodeUri(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
}

function hmac(key: Uint8Array | string, text: string): Uint8Array {
  return new Bun.CryptoHasher("sha256", key).update(text).digest()
}

function sha256(text: string): string {
  return new Bun.CryptoHasher("sha256").update(text).digest("hex")
}
