/** Modalities of a study as the PACS has them, tidied: `CR, DX`. */
export function modalitiesText(modalities: string | null): string {
  const all = (modalities ?? "").split(",").map((one) => one.trim().toUpperCase())
  return [...new Set(all.filter((one) => one !== ""))].join(", ") || "no modality"
}
