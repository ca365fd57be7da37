/** Names of the permissions as Google and Amazon document them. */
export type Permission =
  | "storage.buckets.get"
  | "storage.objects.create"
  | "storage.objects.delete"
  | "storage.objects.get"
  | "storage.objects.list"
  | "storage.objects.update"
  | "s3:GetObject"
  | "s3:ListBucket"

/** By bucket; `*` stands for every bucket. */
export type Grants = Readonly<Record<string, readonly Permission[]>>

/** Who may be granted something: holders of a bearer token, holders of an AWS key, or everybody. */
export type Holder =
  | { readonly token: string }
  | { readonly accessKeyId: string; readonly secretAccessKey: string }
  | "anonymous"

export interface Principal {
  /** As error messages name it. */
  readonly name: string
  readonly anonymous: boolean
  may(bucket: string, permission: Permission): boolean
}

export interface Roles {
  /** The first grant to a token, key or to everybody ends the full access that all have before. */
  allow(holder: Holder, grants: Grants): void
  clear(): void
  /** `undefined` for a token that nobody holds. */
  ofToken(token: string | undefined): Principal | undefined
  /** `undefined` for an access key that nobody holds. */
  ofAccessKey(accessKeyId: string | undefined): KeyHolder | undefined
}

export interface KeyHolder extends Principal {
  /** `undefined` while no key was granted anything: then any signature is accepted. */
  readonly secretAccessKey: string | undefined
}

/** Who may do what. Before the first grant everybody may do everything, with any token and any signature. */
export function openRoles(): Roles {
  const tokens = new Map<string, Principal>()
  const keys = new Map<string, KeyHolder>()
  let everybody: Principal | undefined

  const unrestricted = () => tokens.size === 0 && keys.size === 0 && everybody === undefined
  const anonymous = () => everybody ?? (unrestricted() ? FULL_ACCESS : NO_ACCESS)
  return {
    allow(holder, grants) {
      if (holder === "anonymous") everybody = principal("Anonymous caller", true, grants)
      else if ("token" in holder) tokens.set(holder.token, principal("The caller", false, grants))
      else {
        const { accessKeyId, secretAccessKey } = holder
        keys.set(accessKeyId, { ...principal(accessKeyId, false, grants), secretAccessKey })
      }
    },
    clear() {
      tokens.clear()
      keys.clear()
      everybody = undefined
    },
    ofToken(token) {
      if (token === undefined || unrestricted()) return anonymous()
      return tokens.get(token)
    },
    ofAccessKey(accessKeyId) {
      if (accessKeyId === undefined || unrestricted()) return { ...anonymous(), secretAccessKey: undefined }
      return keys.get(accessKeyId)
    },
  }
}

const FULL_ACCESS: Principal = { name: "Anonymous caller", anonymous: true, may: () => true }
const NO_ACCESS: Principal = { name: "Anonymous caller", anonymous: true, may: () => false }

function principal(name: string, anonymous: boolean, grants: Grants): Principal {
  return {
    name,
    anonymous,
    may: (bucket, permission) =>
      grants[bucket]?.includes(permission) === true || grants["*"]?.includes(permission) === true,
  }
}
