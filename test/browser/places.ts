import type { Scene } from "./support/scene.ts"

/** A view as somebody finds it. */
export interface Place {
  readonly name: string
  /** Its route in the site. */
  readonly route: string
  /** Where it differs from the route. */
  readonly path?: (scene: Scene) => string
  /** Its name in the navigation, or that of the view that it is reached from. */
  readonly entry: string
  readonly heading: string | RegExp
  /** What must be read there, also without scripts. */
  readonly has: readonly (string | RegExp)[]
}

export const PLACES: readonly Place[] = [
  {
    name: "now",
    route: "/",
    entry: "Now",
    heading: "Now",
    has: ["23 of 26 studies complete", "Locks hang", "given up until somebody asks", "Spool"],
  },
  {
    name: "failures",
    route: "/failures",
    entry: "Failures",
    heading: "Failures",
    has: ["DestinationConflict", "Unavailable", "NotFound", "InvalidDicom", "StoredDiffersError", "Retry"],
  },
  {
    name: "failures-of-a-class",
    route: "/failures",
    path: () => "/failures?verdict=missing&class=NotFound",
    entry: "Failures",
    heading: "NotFound",
    has: ["The specified key does not exist.", "looked for again"],
  },
  {
    name: "browse",
    route: "/browse",
    entry: "Browse",
    heading: "Browse",
    has: ["Doctor rank", "Modality", "1 image"],
  },
  {
    name: "browse-filtered",
    route: "/browse",
    path: () => "/browse?modality=CR&rank=3",
    entry: "Browse",
    heading: "Browse",
    has: ["rank 3"],
  },
  {
    name: "cohort",
    route: "/cohort",
    entry: "Cohort",
    heading: "Cohort",
    has: ["chosen_doctor", "307", "27"],
  },
  {
    name: "history",
    route: "/history",
    entry: "History",
    heading: "History",
    has: ["ingest", "failed"],
  },
  {
    name: "locks",
    route: "/locks",
    entry: "Locks",
    heading: "Locks",
    has: ["StoredDiffersError", "bun run locks release"],
  },
  {
    name: "study",
    route: "/studies/:studyId",
    path: ({ studyId }) => `/studies/${studyId}`,
    entry: "Browse",
    heading: /^Study /,
    has: ["complete", "metadata.json", "discovered", "packed"],
  },
  {
    name: "study-in-trouble",
    route: "/studies/:studyId",
    path: ({ failedStudyId }) => `/studies/${failedStudyId}`,
    entry: "Browse",
    heading: /^Study /,
    has: ["something else stands at the destination", "Retry"],
  },
  {
    name: "series",
    route: "/series/:seriesNo",
    path: ({ seriesNo }) => `/series/${seriesNo}`,
    entry: "Browse",
    heading: /./,
    has: ["packed", "Image 1"],
  },
  {
    name: "series-that-hangs",
    route: "/series/:seriesNo",
    path: ({ hangingSeriesNo }) => `/series/${hangingSeriesNo}`,
    entry: "Browse",
    heading: /./,
    has: ["StoredDiffersError"],
  },
  {
    name: "image",
    route: "/series/:seriesNo/instances/:n",
    path: ({ seriesNo }) => `/series/${seriesNo}/instances/1`,
    entry: "Browse",
    heading: /./,
    has: ["Modality", "Rows"],
  },
]

/** Where a place is found on the box of a scene. */
export function pathOf({ path, route }: Place, scene: Scene): string {
  return path === undefined ? route : path(scene)
}
