/** Part of a listing, and where the next part begins if there is one. */
export interface Page<T> {
  readonly items: readonly T[]
  readonly next?: string | undefined
}

/**
 * The items of all pages, each page asked for when its first item is wanted. Other than a generator, an iterator that
 * threw is not over: `next` asks for the same page again, so that a retry in the middle of a long listing goes on
 * where it was.
 */
export function pages<T>(fetchPage: (token: string | undefined) => Promise<Page<T>>): AsyncIterable<T> {
  return {
    [Symbol.asyncIterator]() {
      let page: Page<T> | undefined
      let at = 0
      return {
        async next(): Promise<IteratorResult<T, undefined>> {
          while (page === undefined || at === page.items.length) {
            if (page !== undefined && page.next === undefined) return { done: true, value: undefined }
            page = await fetchPage(page?.next)
            at = 0
          }
          return { done: false, value: page.items[at++]! }
        },
      }
    },
  }
}
