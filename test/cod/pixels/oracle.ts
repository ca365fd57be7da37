/**
 * Real files and what other decoders (DCMTK, GDCM, OpenJPEG, OpenJPH, pydicom) make of their frames, where the checkout
 * has them beside it.
 */
import { createHash } from "node:crypto"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { type DicomFile, parseDicom } from "../../../lib/cod/format/dicom/index.ts"
import type { Samples } from "../../../lib/cod/pixels/samples.ts"

const FOLDER = join(import.meta.dir, "../../../../shared/dicom")

export interface OracleFile {
  /** Below the folder of real files. */
  readonly name: string
  readonly transferSyntax: string
  readonly frames: number
  readonly lossy: boolean
  /** Lower-case hexadecimal SHA-256 of each frame by each decoder that managed it. */
  readonly hashes: readonly (readonly string[])[]
}

export function oracleFiles(): OracleFile[] {
  const folder = join(FOLDER, "oracle")
  if (!existsSync(folder)) return []
  const names = readdirSync(folder).filter((name) => name.endsWith(".pixels.txt"))
  return names.map((name) => oracleFile(name, readFileSync(join(folder, name), "utf8")))
}

export function realFile(name: string): DicomFile {
  return parseDicom(readFileSync(join(FOLDER, name)))
}

/** As the oracle has it: samples interleaved, in the bytes that are allocated, little-endian. */
export function sha256(data: Samples): string {
  return createHash("sha256")
    .update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
    .digest("hex")
}

function oracleFile(name: string, text: string): OracleFile {
  const fact = (key: string) => new RegExp(` ${key}=(\\S*)`).exec(text)?.[1] ?? ""
  const rows = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"))
  const frames = Number(fact("frames"))
  const hashes = Array.from({ length: frames }, (_, frame) =>
    rows.flatMap((row) => {
      const [, number, hash] = row.split("\t")
      return Number(number) === frame + 1 && hash !== undefined ? [hash] : []
    }),
  )
  return {
    name: name.replace(/\.pixels\.txt$/, "").replace("__", "/"),
    transferSyntax: fact("transfer_syntax"),
    frames,
    lossy: fact("lossy") === "yes",
    hashes,
  }
}
