import { generateKeyPairSync, type KeyObject, sign } from "node:crypto"

/** A certificate and its key, both PEM. */
export interface Certificate {
  readonly certificate: string
  readonly key: string
}

/**
 * A certificate authority of a test's own, and a server certificate for one IPv4 address that it signed (RFC
 * 5280, in DER by hand: neither Bun nor Node makes certificates, and a key in the repository would be
 * somebody's finding).
 */
export function certificatesFor(address: string): { authority: Certificate; server: Certificate } {
  const authorityKeys = generateKeyPairSync("ec", { namedCurve: "P-256" })
  const serverKeys = generateKeyPairSync("ec", { namedCurve: "P-256" })
  const issue = (subject: string, publicKey: KeyObject, privateKey: KeyObject, extension: Buffer) => ({
    certificate: signed(subject, publicKey, authorityKeys.privateKey, extension),
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  })
  const isAuthority = sequence(objectId(2, 5, 29, 19), BOOLEAN_TRUE, der(OCTETS, sequence(BOOLEAN_TRUE)))
  const octets = Buffer.from(address.split(".").map(Number))
  const isServer = sequence(objectId(2, 5, 29, 17), der(OCTETS, sequence(der(0x87, octets))))
  return {
    authority: issue("authority", authorityKeys.publicKey, authorityKeys.privateKey, isAuthority),
    server: issue("server", serverKeys.publicKey, serverKeys.privateKey, isServer),
  }
}

function signed(subject: string, publicKey: KeyObject, issuerKey: KeyObject, extension: Buffer): string {
  const algorithm = sequence(objectId(1, 2, 840, 10045, 4, 3, 2))
  const toBeSigned = sequence(
    der(0xa0, der(INTEGER, Buffer.from([2]))),
    der(INTEGER, Buffer.from([subject.length])),
    algorithm,
    commonName("authority"),
    sequence(time("20200101000000Z"), time("21200101000000Z")),
    commonName(subject),
    publicKey.export({ type: "spki", format: "der" }),
    der(0xa3, sequence(extension)),
  )
  const signature = Buffer.concat([Buffer.from([0]), sign("sha256", toBeSigned, issuerKey)])
  const encoded = sequence(toBeSigned, algorithm, der(BITS, signature)).toString("base64")
  return `-----BEGIN CERTIFICATE-----\n${encoded.replace(/.{64}/g, "$&\n")}\n-----END CERTIFICATE-----\n`
}

const INTEGER = 0x02
const BITS = 0x03
const OCTETS = 0x04

/** A tag, the length of the content, the content (X.690, sections 8.1 and 10.1). */
function der(tag: number, ...content: readonly Buffer[]): Buffer {
  const body = Buffer.concat(content)
  const size = body.length
  const length = size < 128 ? [size] : size < 256 ? [0x81, size] : [0x82, size >> 8, size & 255]
  return Buffer.concat([Buffer.from([tag, ...length]), body])
}

function sequence(...content: readonly Buffer[]): Buffer {
  return der(0x30, ...content)
}

const BOOLEAN_TRUE = der(0x01, Buffer.from([0xff]))

function commonName(name: string): Buffer {
  return sequence(der(0x31, sequence(objectId(2, 5, 4, 3), der(0x0c, Buffer.from(name)))))
}

function time(text: string): Buffer {
  return der(0x18, Buffer.from(text))
}

/** Base 128, all but the last digit of each arc marked; the first two arcs in one (X.690, section 8.19). */
function objectId(first: number, second: number, ...rest: readonly number[]): Buffer {
  const arcs = [first * 40 + second, ...rest]
  const digits = (arc: number): number[] => (arc < 128 ? [arc] : [...digits(arc >> 7), arc & 127])
  const bytes = arcs.flatMap((arc) =>
    digits(arc).map((digit, i, all) => (i < all.length - 1 ? digit | 128 : digit)),
  )
  return der(0x06, Buffer.from(bytes))
}
