import type { UidHashFunc } from "./instance.ts"

const UUID_BYTES = 16

/**
 * A function from real UIDs to those that stand in their place: the same for whoever has the same key, and telling nothing
 * to others. It is the HMAC-SHA-256 of the UID (RFC 2104) as a UUID of version 8 (RFC 9562, section 5.8), and that as a
 * UID below 2.25 (PS3.5, section B.2): a number without leading zeros, 44 characters at most.
 *
 * It is for the names of things: what is named stays what it is. The DICOM files and their metadata keep their real UIDs,
 * and everything else that they say of a patient.
 * @param key a secret; whoever knows it can find the UID of any hash by trying
 */
export function uidHashFunc(key: string): UidHashFunc {
  return (uid) => {
    const hash = new Bun.CryptoHasher("sha256", key).update(uid).digest()
    const uuid = hash.subarray(0, UUID_BYTES)
    uuid[6] = (uuid[6]! & 0x0f) | 0x80
    uuid[8] = (uuid[8]! & 0x3f) | 0x80
    return `2.25.${BigInt(`0x${uuid.toString("hex")}`)}`
  }
}

const FINGERPRINT_TEXT = "fingerprint of a key of hashed UIDs"

/** Tells one key from another and nothing of either: 16 hexadecimal digits of an HMAC-SHA-256 of a fixed text. */
export function uidHashFingerprint(key: string): string {
  return new Bun.CryptoHasher("sha256", key).update(FINGERPRINT_TEXT).digest("hex").slice(0, 16)
}
