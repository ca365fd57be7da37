import { HeadBucketCommand, type S3Client } from "@aws-sdk/client-s3"
import type { Asked } from "./failures.ts"
import type { HttpRequest } from "./http.ts"
import { inTime } from "./patience.ts"
import { failureOfSdk } from "./s3-failures.ts"

/** GET requests for `fetch`, addressed and signed by the SDK as its own would be. */
export interface S3Requests {
  get(
    asked: Asked,
    name: string,
    headers: Readonly<Record<string, string>>,
    signal?: AbortSignal,
  ): Promise<HttpRequest>
}

export function s3Requests(client: S3Client, bucket: string, stallMs: number): S3Requests {
  let prepared: Promise<[Signer, Address]> | undefined
  const prepare = () => Promise.all([client.config.signer(), addressOf(client, bucket)])

  return {
    async get(asked, name, headers, signal) {
      const sign = async () => {
        prepared ??= prepare()
        const [signer, address] = await prepared
        return signedGet(signer, address, name, headers)
      }
      try {
        return await inTime(asked, sign, stallMs, signal)
      } catch (cause) {
        // Credentials or a region may be there the next time.
        prepared = undefined
        throw failureOfSdk(asked, cause, signal)
      }
    },
  }
}

type Signer = Awaited<ReturnType<S3Client["config"]["signer"]>>

interface Address {
  readonly protocol: string
  readonly hostname: string
  readonly port?: number
  /** Of the bucket, without a slash at its end. */
  readonly path: string
}

/** Of the body that a GET does not have; named, so that the signer need not compute it each time. */
const SHA256_OF_NOTHING = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

async function signedGet(
  signer: Signer,
  { protocol, hostname, port, path: bucketPath }: Address,
  name: string,
  headers: Readonly<Record<string, string>>,
): Promise<HttpRequest> {
  const host = port === undefined ? hostname : `${hostname}:${port}`
  const path = `${bucketPath}/${name.split("/").map(encodeSegment).join("/")}`
  const signed = await signer.sign({
    method: "GET",
    protocol,
    hostname,
    ...(port === undefined ? {} : { port }),
    path,
    query: {},
    headers: { ...headers, host, "x-amz-content-sha256": SHA256_OF_NOTHING },
  })
  // Not signed: proxies may change it.
  return { url: `${protocol}//${host}${path}`, headers: { ...signed.headers, "accept-encoding": "identity" } }
}

/** RFC 3986, as Signature Version 4 wants it: `encodeURIComponent` leaves five reserved characters as they are. */
function encodeSegment(segment: string): string {
  return encodeURIComponent(segment).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

/**
 * Where the SDK would send a request for the bucket: regions, partitions, FIPS, dual stack, access points, path style
 * are its business. It builds one and is stopped before it would be sent.
 */
async function addressOf(client: S3Client, bucket: string): Promise<Address> {
  const command = new HeadBucketCommand({ Bucket: bucket })
  let address: Address | undefined
  command.middlewareStack.add(
    () => async (args) => {
      const { protocol, hostname, port, path } = args.request as Address
      address = { protocol, hostname, ...(port === undefined ? {} : { port }), path: path.replace(/\/$/, "") }
      return { output: { $metadata: {} }, response: {} }
    },
    { step: "build", priority: "high", name: "readAddress" },
  )
  await client.send(command)
  return address!
}
