/** Stills that stand side by side, large: the views of an X-ray study. */
const MOST_LARGE = 3

/** Columns and rows in which stills stand: few are large, more are half as large, in two rows. */
export function gridOf(stills: number): { readonly columns: number; readonly rows: 1 | 2 } {
  return stills <= MOST_LARGE
    ? { columns: Math.max(1, stills), rows: 1 }
    : { columns: Math.ceil(stills / 2), rows: 2 }
}
