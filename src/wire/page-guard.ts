import { BackupdError } from '../lib/errors.ts'

/** Far more than any list needs. Pages may be empty, because a long search returns in between. */
export const MAX_PAGES = 2000
const MAX_ITEMS = 1_000_000

/** Stops reading a list that never ends. Create one for each list that is read in pages. */
export class PageGuard {
  readonly #server: string
  #pages = 0
  #items = 0
  #last: string | null | undefined

  constructor(server: string) {
    this.#server = server
  }

  /** Call it for each page. Throws DAEMON_REFUSED if the list does not end. */
  check(items: number, next: string | null): void {
    this.#pages += 1
    this.#items += items
    if (next === null) return
    if (next === this.#last) throw this.#endless('the same page follows again and again')
    if (this.#pages >= MAX_PAGES) throw this.#endless(`it has more than ${MAX_PAGES} pages`)
    if (this.#items >= MAX_ITEMS) throw this.#endless(`it has more than ${MAX_ITEMS} entries`)
    this.#last = next
  }

  #endless(why: string): BackupdError {
    const message = `Cannot read the list of the daemon on ${this.#server}: it does not end (${why}). Check the version of that daemon`
    return new BackupdError('DAEMON_REFUSED', message, {
      facts: { server: this.#server, pages: this.#pages },
    })
  }
}
