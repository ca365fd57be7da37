import { InstanceNotFoundError, InvalidTar } from "../errors.ts"
import type { RandomAccess } from "../format/bytes.ts"
import type { TarMember } from "../format/tar/member.ts"
import { readMembers } from "../format/tar/read.ts"

/**
 * Looks a regular file up in a tar. Of several by the same name the last one counts, as for all readers of tars.
 * @throws InstanceNotFoundError, InvalidTar for a link or anything else without bytes of its own
 */
export async function findMember(
  tar: RandomAccess,
  uri: string,
  name: string,
  signal?: AbortSignal,
): Promise<TarMember> {
  let found: TarMember | undefined
  for await (const member of readMembers(tar, signal)) if (member.name === name) found = member
  if (found === undefined) throw new InstanceNotFoundError(uri, name)
  if (found.type === "file") return found
  throw new InvalidTar(`${uri}: ${name} is a ${found.type}, not a file`, {
    facts: { uri, name, type: found.type },
  })
}
