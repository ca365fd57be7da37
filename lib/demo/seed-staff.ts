import {
  type BodyPartRow,
  bodyPartRow,
  type OrganizationRow,
  organizationRow,
  type PractitionerRow,
  practitionerRow,
  type UserRow,
  userRow,
} from "./pacs-rows.ts"
import { uuidOf } from "./seed-ids.ts"

/**
 * The demo's hospitals and doctors: nobody of that name, e-mails in a domain that cannot exist (RFC 2606).
 */
export interface Staff {
  readonly organizations: OrganizationRow[]
  readonly users: UserRow[]
  readonly practitioners: PractitionerRow[]
  readonly bodyParts: BodyPartRow[]
  /** The practitioner as whom a doctor signs in an organization. */
  signer(doctor: Signer, organization: string | null): string | null
  nameOf(doctor: Signer): string
}

/**
 * The place of a doctor in the ranking that the demo is made for, from 1; or a signer whom no ranking knows.
 */
export type Signer = number | "without user" | "nobody"

export const ORGANIZATIONS = {
  quimera: uuidOf("demo organization quimera"),
  fenix: uuidOf("demo organization fenix"),
  unicornio: uuidOf("demo organization unicornio"),
  showroom: uuidOf("demo organization showroom"),
}

/** Keys of `pacs_body_part`. */
export const BODY_PARTS = { torax: 1, chest: 2, knee: 3, abdomen: 4, spine: 5 }

export function demoStaff(): Staff {
  const users = doctorIds().map((id, n) => userRow({ id, email: email(NAMES[n]!), full_name: NAMES[n]! }))
  const practitioners = users.flatMap(({ id, full_name }, n) =>
    workplaces(n + 1).map((organization_id) =>
      practitionerRow({
        id: uuidOf(`practitioner ${id} ${organization_id}`),
        user_id: id,
        organization_id,
        full_name,
      }),
    ),
  )
  const visitor = practitionerRow({
    id: uuidOf("demo practitioner without user"),
    organization_id: ORGANIZATIONS.quimera,
    full_name: VISITOR,
  })
  return {
    organizations: organizations(),
    users,
    practitioners: [...practitioners, visitor],
    bodyParts: bodyParts(),
    signer(doctor, organization) {
      if (doctor === "nobody") return null
      if (doctor === "without user") return visitor.id
      const own = practitioners.filter((each) => each.user_id === users[doctor - 1]!.id)
      return (own.find((each) => each.organization_id === organization) ?? own[0]!).id
    },
    nameOf(doctor) {
      return typeof doctor === "number" ? NAMES[doctor - 1]! : VISITOR
    },
  }
}

const NAMES = [
  "Ada Quimérica",
  "Bruno Inventado",
  "Clara Ficción",
  "Darío Imaginario",
  "Elena Fantasma",
  "Fabio Supuesto",
  "Gala Hipotética",
  "Hugo Ejemplar",
  "Inés Apócrifa",
  "Julio Leyenda",
]

const VISITOR = "Vera Visitante"

const email = (name: string) =>
  `${name.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase().replace(" ", ".")}@pacs-demo.invalid`

/** Doctors 6 and 7 have signed equally many studies: the smaller id is rank 6. */
function doctorIds(): string[] {
  const ids = NAMES.map((name) => uuidOf(`demo user ${name}`))
  const tied = ids.splice(5, 2).sort()
  ids.splice(5, 0, ...tied)
  return ids
}

/** Every second doctor works in two hospitals, as two practitioners of one user. */
const workplaces = (doctor: number) =>
  doctor % 2 === 0 ? [ORGANIZATIONS.quimera, ORGANIZATIONS.fenix] : [ORGANIZATIONS.quimera]

const organizations = () => [
  organizationRow({ id: ORGANIZATIONS.quimera, name: "Hospital Quimera", slug: "quimera" }),
  organizationRow({ id: ORGANIZATIONS.fenix, name: "Clínica Fénix", slug: "fenix" }),
  organizationRow({ id: ORGANIZATIONS.unicornio, name: "Sanatorio Unicornio", slug: "unicornio" }),
  organizationRow({ id: ORGANIZATIONS.showroom, name: "Showroom", slug: "showroom", is_demo: true }),
]

const bodyParts = () => [
  bodyPartRow({ id: BODY_PARTS.torax, name: "Tórax", identifier: null }),
  bodyPartRow({ id: BODY_PARTS.chest, name: null, identifier: "CHEST" }),
  bodyPartRow({ id: BODY_PARTS.knee, name: "Rodilla", identifier: "KNEE" }),
  bodyPartRow({ id: BODY_PARTS.abdomen, name: "Abdomen", identifier: "ABDOMEN" }),
  bodyPartRow({ id: BODY_PARTS.spine, name: "Columna", identifier: "TSPINE" }),
]
