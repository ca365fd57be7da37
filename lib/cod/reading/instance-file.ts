import { abortReason } from "../../storage/failures.ts"
import { TooLarge } from "../errors.ts"
import { isRemote, splitTarUri } from "../format/layout.ts"
import type { ByteView } from "../view.ts"
import { MAX_PARSED_BYTES } from "./facts.ts"
import { fetchObject, fetchSmall, fetchView } from "./fetch.ts"
import { openFile } from "./open-uri.ts"
import type { Scratch } from "./scratch.ts"
import { sharedWork } from "./shared-work.ts"
import type { StoreChoice } from "./store-of.ts"

/** Where an instance's bytes are, and how to come by them. */
export interface Whereabouts {
  readonly uri: string
  open(signal?: AbortSignal): Promise<ByteView>
}

/** The file of one instance, wherever it is right now. */
export interface InstanceFile {
  readonly uri: string
  /** Whether it is somewhere else than at first. */
  readonly isMoved: boolean
  /** Its bytes, unverified. A remote object is fetched first; of a remote tar only the member is read. */
  open(signal?: AbortSignal): Promise<ByteView>
  /** Brings a remote object, or a remote tar's member, into a temporary file. */
  fetch(signal?: AbortSignal): Promise<void>
  /** Begins to read a small remote one that `whole` is going to be asked for; that it cannot be read is told there. */
  expect(sizeHint: number | undefined, signal?: AbortSignal): void
  /**
   * All of it in memory; a small remote one without a temporary file, and with its CRC32C.
   * @param sizeHint bytes that it is said to have
   * @throws TooLarge
   */
  whole(
    sizeHint: number | undefined,
    signal?: AbortSignal,
  ): Promise<{ readonly bytes: Uint8Array; readonly crc32c?: string }>
  moveTo(whereabouts: Whereabouts): void
  /** Deletes the temporary files made here; it is where it was at first. */
  goHome(): void
}

/** Up to here a remote file is read into memory where it is needed once. */
const SMALL_BYTES = 2 ** 20

export function instanceFile(home: Whereabouts, choice: StoreChoice, scratch: Scratch): InstanceFile {
  let now = home
  const fetched: string[] = []
  // Who asks for several facts asks for them at once.
  const fetches = sharedWork<void>()

  const fetchUnlessLocal = async (signal?: AbortSignal) => {
    const { uri } = now
    if (!isRemote(uri)) return
    const path = isObject(uri) ? await fetchObject(uri, choice, scratch, signal) : await fetchMember(signal)
    moveTo({ uri: path, open: async () => openFile(path) })
    fetched.push(path)
  }

  const fetchMember = async (signal?: AbortSignal) => {
    await using view = await now.open(signal)
    return await fetchView(view, scratch, signal)
  }

  const fetch = (signal?: AbortSignal) => fetches.join("file", (shared) => fetchUnlessLocal(shared), signal)

  const open = async (signal?: AbortSignal) => {
    if (signal?.aborted) throw abortReason(signal)
    if (isObject(now.uri)) await fetch(signal)
    return await now.open(signal)
  }

  let expected: ReturnType<typeof fetchSmall> | undefined

  const readSmall = (sizeHint = 0, signal?: AbortSignal) => {
    const maySmall = isObject(now.uri) && sizeHint <= SMALL_BYTES
    return maySmall ? fetchSmall(now.uri, choice, SMALL_BYTES, signal) : undefined
  }

  const moveTo = (whereabouts: Whereabouts) => {
    now = whereabouts
    expected = undefined
  }

  return {
    get uri() {
      return now.uri
    },
    get isMoved() {
      return now !== home
    },
    open,
    fetch,
    expect(sizeHint, signal) {
      expected ??= readSmall(sizeHint, signal)
      // Whoever takes it hears of a failure; until then it is nobody's.
      expected?.catch(() => {})
    },
    async whole(sizeHint, signal) {
      const reading = expected ?? readSmall(sizeHint, signal)
      expected = undefined
      const small = await reading
      if (small !== undefined) return small
      await using view = await open(signal)
      if (view.size > MAX_PARSED_BYTES) throw new TooLarge(now.uri, MAX_PARSED_BYTES)
      return { bytes: await view.bytes(signal) }
    },
    moveTo,
    goHome() {
      for (const path of fetched.splice(0)) scratch.remove(path)
      moveTo(home)
    },
  }
}

/** An object of its own, no member of a tar. */
function isObject(uri: string): boolean {
  return isRemote(uri) && splitTarUri(uri) === undefined
}
