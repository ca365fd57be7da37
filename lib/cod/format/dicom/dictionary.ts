import data from "./dictionary.json" with { type: "json" }
import { tagKey } from "./model.ts"

/**
 * VR that the data dictionary (PS3.6) gives a public tag: also "US or SS" and the like, undefined for a tag that it
 * does not know. Repeating groups (50xx, 60xx and others) are known.
 */
export function publicVr(tag: number): string | undefined {
  return publicTags().get(tag) ?? (isPrivate(tag) ? undefined : repeatingVr(tag))
}

/**
 * VR of a private tag by its creator, undefined for what nobody published. Blocks do not matter: an element is found
 * by its group and the last two digits of its number (PS3.5, section 7.8.1).
 */
export function privateVr(tag: number, creator: string): string | undefined {
  const tags = privateTags(creator)
  const key = tagKey(tag)
  const group = key.slice(0, 4)
  const last = key.slice(6)
  return tags?.get(key) ?? tags?.get(`${group}xx${last}`) ?? tags?.get(`${key.slice(0, 2)}xxxx${last}`)
}

/** Groups of odd numbers belong to manufacturers (PS3.5, section 7.8). */
export function isPrivate(tag: number): boolean {
  return (tag & 0x10000) !== 0
}

/** (gggg,0010) to (gggg,00FF) of a private group name whose blocks follow. */
export function isPrivateCreator(tag: number): boolean {
  const element = tag & 0xffff
  return isPrivate(tag) && element >= 0x10 && element < 0x100
}

// Made on first use: most programs that import this library never look into a DICOM file.
let publicMap: ReadonlyMap<number, string> | undefined
const privateMaps = new Map<string, ReadonlyMap<string, string> | undefined>()

function publicTags(): ReadonlyMap<number, string> {
  publicMap ??= new Map(
    Object.entries(data.public).flatMap(([vr, tags]) =>
      (tags.match(/.{8}/g) ?? []).map((tag) => [Number.parseInt(tag, 16), vr] as const),
    ),
  )
  return publicMap
}

function repeatingVr(tag: number): string | undefined {
  for (const [mask, bits, vr] of data.repeating) {
    if ((tag & Number(mask)) >>> 0 === Number(bits)) return String(vr)
  }
  return undefined
}

function privateTags(creator: string): ReadonlyMap<string, string> | undefined {
  if (!privateMaps.has(creator)) {
    const packed = Object.hasOwn(data.private, creator)
      ? (data.private as Readonly<Record<string, string>>)[creator]
      : undefined
    if (packed === undefined) return undefined
    privateMaps.set(creator, unpack(packed))
  }
  return privateMaps.get(creator)
}

/** "CS=0029xx080029xx09 LO=…": VRs, each with its tags one behind the other. */
function unpack(packed: string): ReadonlyMap<string, string> {
  const byTag = new Map<string, string>()
  for (const [, vr, tags] of packed.matchAll(/([A-Z]\w*(?: or \w+)*)=(\w+)/g)) {
    for (const tag of tags?.match(/.{8}/g) ?? []) byTag.set(tag, vr ?? "")
  }
  return byTag
}
