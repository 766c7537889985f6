/** Counts over all simulated daemons. */
export interface Counts {
  /** Changes of state that the daemons made, that they sent (repeated ones count each time), and that were accepted. */
  made: number
  offered: number
  accepted: number
  posts: number
  /** Answers of the controller to posts, by status; 0: none, because of a timeout or a lost connection. */
  answers: Record<string, number>
  /** Requests of the controller by route, and the bytes of their answers. */
  requests: Record<string, number>
  bytesRead: number
  /** Questions about namespaces of other servers than the daemon's own. */
  foreignQuestions: number
}

/** From the end of a run to the answer that accepts it, ms. */
export interface EndDelays {
  p99: number
  longest: number
}

export class Tally implements Counts {
  made = 0
  offered = 0
  accepted = 0
  posts = 0
  answers: Record<string, number> = {}
  requests: Record<string, number> = {}
  bytesRead = 0
  foreignQuestions = 0
  #endDelays: number[] = []

  noteAccepted(delayMs: number, isEnd: boolean): void {
    this.accepted += 1
    if (isEnd) this.#endDelays.push(delayMs)
  }

  noteAnswer(status: number): void {
    this.answers[status] = (this.answers[status] ?? 0) + 1
  }

  noteRequest(route: string, bytes: number): void {
    this.requests[route] = (this.requests[route] ?? 0) + 1
    this.bytesRead += bytes
  }

  counts(): Counts {
    const { made, offered, accepted, posts, bytesRead, foreignQuestions } = this
    const [answers, requests] = [{ ...this.answers }, { ...this.requests }]
    return { made, offered, accepted, posts, answers, requests, bytesRead, foreignQuestions }
  }

  /** The delays since the last call. */
  takeEndDelays(): EndDelays {
    const sorted = this.#endDelays.sort((one, other) => one - other)
    this.#endDelays = []
    return { p99: sorted[Math.ceil(sorted.length * 0.99) - 1] ?? 0, longest: sorted.at(-1) ?? 0 }
  }
}
