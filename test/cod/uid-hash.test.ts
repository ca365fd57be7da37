import { expect, test } from "bun:test"
import fc from "fast-check"
import { requireUid } from "../../lib/cod/format/uid.ts"
import { uidHashFingerprint, uidHashFunc } from "../../lib/cod/uid-hash.ts"

const component = fc.bigInt({ min: 0n, max: 10n ** 12n }).map(String)
const uid = fc.array(component, { minLength: 1, maxLength: 4 }).map((rest) => ["1.2", ...rest].join("."))
const key = fc.string({ minLength: 16, unit: "grapheme" })

test("the hash of any UID by any key is a UID that may be written, of a UUID of version 8", () => {
  fc.assert(
    fc.property(key, uid, (secret, real) => {
      const hashed = requireUid(uidHashFunc(secret)(real))
      const [, digits = ""] = /^2\.25\.(\d+)$/.exec(hashed) ?? []
      const uuid = BigInt(digits).toString(16).padStart(32, "0")
      expect(uuid).toMatch(/^.{12}8.{3}[89ab].{15}$/)
      expect(hashed.length).toBeLessThanOrEqual(44)
    }),
  )
})

test("the same UID has the same hash by the same key, and another one by another key; two UIDs have two hashes", () => {
  fc.assert(
    fc.property(fc.uniqueArray(key, { minLength: 2, maxLength: 2 }), fc.uniqueArray(uid), ([a, b], uids) => {
      const hashes = uids.map(uidHashFunc(a!))
      expect(uids.map(uidHashFunc(a!))).toEqual(hashes)
      expect(new Set(hashes).size).toBe(uids.length)
      for (const [index, hash] of uids.map(uidHashFunc(b!)).entries()) expect(hash).not.toBe(hashes[index]!)
    }),
  )
})

// What is stored by these names has to be found again: python3 -c 'import hmac,uuid; d=bytearray(hmac.digest(KEY,UID,
// "sha256")[:16]); d[6]=d[6]&15|128; d[8]=d[8]&63|128; print("2.25.%d" % uuid.UUID(bytes=bytes(d)).int)'
test("hashes stay what they are", () => {
  expect(uidHashFunc("a key that nobody knows")("1.2.840.10008.1.2.1")).toBe(
    "2.25.22439697775647066666764447718696167465",
  )
})

test("the fingerprint of a key is the same wherever it is made, another one of another key, and no part of a hash", () => {
  fc.assert(
    fc.property(fc.uniqueArray(key, { minLength: 2, maxLength: 2 }), ([a, b]) => {
      expect(uidHashFingerprint(a!)).toMatch(/^[0-9a-f]{16}$/)
      expect(uidHashFingerprint(a!)).toBe(uidHashFingerprint(a!))
      expect(uidHashFingerprint(a!)).not.toBe(uidHashFingerprint(b!))
    }),
  )
})

test.skipIf(Bun.which("python3") === null)("the fingerprint of a key is the HMAC that others compute", () => {
  const python =
    "import hmac; print(hmac.new(b'key', b'fingerprint of a key of hashed UIDs', 'sha256').hexdigest()[:16])"
  expect(uidHashFingerprint("key")).toBe(Bun.spawnSync(["python3", "-c", python]).stdout.toString().trim())
})
