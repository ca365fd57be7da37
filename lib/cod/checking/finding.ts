/** `error`: something stored cannot be had as it should be. `note`: worth knowing, nothing is lost. */
export type Severity = "error" | "note"

/** What a check can find: how bad it is, and what to do. */
export const FINDINGS = {
  "metadata-unreadable": error(
    "Put back an older metadata.json, or have `cod repair` make one from the tar's members.",
  ),
  "metadata-missing": error(
    "Have `cod repair` make metadata.json from the tar's members, or delete the tar if nobody needs it.",
  ),
  "metadata-empty": error(
    "A writer emptied the series: the tar still holds its instances, and `cod repair` brings them back.",
  ),
  "instance-unreadable": error("Correct the instance's entry in the metadata, or append the instance again."),
  "tags-unreadable": error(
    "The instance itself can be had, not what the metadata tells of it: have that made again, or append the instance again.",
  ),
  "instance-corrupt": error("Append the instance again from its original."),
  "member-missing": error(
    "Append the instance again from its original, or remove its entry from the metadata.",
  ),
  "tar-missing": error("Put the tar back, or append all instances again from their originals."),
  "tar-unreadable": error("Put the tar back, or append all instances again from their originals."),
  "changed-meanwhile": error("Somebody wrote the series during the check: check it again."),

  locked: note(
    "If nobody writes now, a writer died: `cod info` tells whose lock it is, `cod unlock` breaks it; then `cod repair`.",
  ),
  "error-log": note(
    "Somebody declared the series damaged: read the log. Writers refuse the series until `cod error-log --clear`.",
  ),
  "thumbnail-stale": note("Have the thumbnail made again."),
  "thumbnail-left-over": note("Nothing names this thumbnail: it may be deleted."),
  "index-missing": note("`cod repair` makes it again: the Python package cannot open a series without one."),
  "index-stale": note("`cod repair` makes it again."),
  orphan: note(
    "No instance is at this member: its entry was never written, or was removed. `cod repair` takes it in.",
  ),
  "behind-end": note("Readers of tars stop before it, ours do not. `cod repair` writes the tar anew."),
  "doubled-member": note("The metadata means one of them; readers of tars take the last one."),
  "member-size": note("Readers of tars get another number of bytes than the metadata names."),
  "no-end": note(
    "The tar lacks its end blocks: the Python package cannot append to it. `cod repair` writes it anew.",
  ),
  "trailing-bytes": note("Bytes behind the tar's end belong to nothing."),
  "end-byte": note(
    "Readers that go by end_byte get other bytes than the instance; start_byte and size are right.",
  ),
  "offset-tables-shifted": note(
    "Native frames begin 8 bytes before their offsets: the Python package wrote them.",
  ),
  "metadata-plain": note("metadata.json is not compressed."),
  "gnu-headers": note("The tar has headers of GNU tar; others than the Python package wrote it."),
  "uid-too-long": note("A UID has more than 64 characters (DICOM PS3.5, section 9.1)."),
} as const satisfies Record<string, Remedy>

/** What is no error if somebody wrote the series meanwhile: metadata of one time was compared with a tar of another. */
export const COMPARISONS: ReadonlySet<FindingKind> = new Set([
  "metadata-missing",
  "metadata-empty",
  "instance-corrupt",
  "member-missing",
  "tar-missing",
])

export type FindingKind = keyof typeof FINDINGS

/** One thing that a check found. */
export interface Finding {
  readonly kind: FindingKind
  readonly severity: Severity
  /** URI of the object, or `SERIES#KEY` for an instance. */
  readonly where: string
  /** What was found, in figures. */
  readonly what: string
  /** What to do about it. */
  readonly todo: string
}

export function finding(kind: FindingKind, where: string, what: string): Finding {
  const { severity, todo } = FINDINGS[kind]
  return { kind, severity, where, what, todo }
}

interface Remedy {
  readonly severity: Severity
  readonly todo: string
}

function error(todo: string): Remedy {
  return { severity: "error", todo }
}

function note(todo: string): Remedy {
  return { severity: "note", todo }
}
