/** What a listener wants of the events of one kind. */
export interface QueueRules<Event> {
  matches(event: Event): boolean
  /** Of the events with the same key, only the newest progress waits. */
  keyOf(event: Event): string
  /** Called once if the listener is too far behind. Its queue is closed then, and empty if this is given. */
  onBehind?: (() => void) | undefined
}

/** Limits of what waits for one client. */
export interface QueueLimits {
  events: number
  /** Of JSON, counted from the event at COUNTED_FROM on: short queues are not worth the time. */
  characters: number
}

export const QUEUE_LIMITS: QueueLimits = { events: 10_000, characters: 64 * 1024 * 1024 }
const COUNTED_FROM = 1000
/** This many slots may be empty in a short queue. */
const SPARE_SLOTS = 64

interface Slot<Event> {
  /** Undefined once it was taken or replaced. */
  event: Event | undefined
  characters: number
}

/** The events that one listener has not taken yet. Every operation takes constant time, spread over many. */
export class EventQueue<Event extends object> {
  readonly #rules: QueueRules<Event>
  readonly #limits: QueueLimits
  readonly #onClose: () => void
  /** In order; the first that may be in use is at #first. */
  #slots: Slot<Event>[] = []
  #first = 0
  #used = 0
  #characters = 0
  /** By key: where its newest progress waits. */
  readonly #progress = new Map<string, Slot<Event>>()
  #wake: (() => void) | undefined
  #closed = false

  constructor(rules: QueueRules<Event>, onClose: () => void, limits = QUEUE_LIMITS) {
    this.#rules = rules
    this.#limits = limits
    this.#onClose = onClose
  }

  get isEmpty(): boolean {
    return this.#used === 0
  }

  offer(event: Event, weight: 'state' | 'progress'): void {
    if (this.#closed || !this.#rules.matches(event)) return
    const slot = { event, characters: this.#used < COUNTED_FROM ? 0 : countCharacters(event) }
    if (weight === 'progress') this.#replaceProgress(this.#rules.keyOf(event), slot)
    this.#slots.push(slot)
    this.#used += 1
    this.#characters += slot.characters
    if (this.#slots.length > 2 * this.#used + SPARE_SLOTS) this.#dropEmpty()
    const { events, characters } = this.#limits
    if (this.#used > events || this.#characters > characters) this.#giveUp()
    this.#wake?.()
  }

  /** The next event; undefined once closed. */
  async next(): Promise<Event | undefined> {
    while (this.#used === 0 && !this.#closed) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    return this.#takeFirst()
  }

  close(): void {
    this.#closed = true
    this.#onClose()
    this.#wake?.()
  }

  /** Closes the queue, and forgets what waits in it. */
  discard(): void {
    this.#slots = []
    this.#progress.clear()
    this.#used = 0
    this.close()
  }

  #giveUp(): void {
    const { onBehind } = this.#rules
    if (onBehind) this.discard()
    else this.close()
    onBehind?.()
  }

  #replaceProgress(key: string, slot: Slot<Event>): void {
    const older = this.#progress.get(key)
    if (older) this.#empty(older)
    this.#progress.set(key, slot)
  }

  #takeFirst(): Event | undefined {
    for (; this.#first < this.#slots.length; this.#first++) {
      const slot = this.#slots[this.#first]
      if (slot?.event) return this.#empty(slot)
    }
    return undefined
  }

  #empty(slot: Slot<Event>): Event | undefined {
    const { event } = slot
    const key = event && this.#rules.keyOf(event)
    if (key !== undefined && this.#progress.get(key) === slot) this.#progress.delete(key)
    this.#used -= 1
    this.#characters -= slot.characters
    slot.event = undefined
    return event
  }

  #dropEmpty(): void {
    this.#slots = this.#slots.filter(({ event }) => event)
    this.#first = 0
  }
}

/** One count for all the queues in which the event waits. */
const counted = new WeakMap<object, number>()

function countCharacters(event: object): number {
  const characters = counted.get(event) ?? JSON.stringify(event).length
  counted.set(event, characters)
  return characters
}
