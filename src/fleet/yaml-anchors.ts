import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  parseDocument,
  visit,
} from 'yaml'

/** An anchor as another part of the file may use it: `&nightly "0 5 * * *"`. */
export interface WrittenAnchor {
  name: string
  /** Offset of its value, and of the end of it. */
  at: number
  end: number
  /** Its value in one line, aliases resolved; null if it is too long for that. */
  text: string | null
}

/** The values of anchors that stand outside the text, by name. */
export type OuterAnchors = ReadonlyMap<string, string>

/** For each alias that names an anchor before it: the value of the last such anchor. */
export type AliasTargets = ReadonlyMap<unknown, Node>

const MAX_ANCHORS = 1000
/** Limits of an anchor's text: values, aliases resolved, and characters. */
const MAX_PRINTED_VALUES = 200
const MAX_PRINTED_LENGTH = 4096

/** Takes one pass, where Alias.resolve() of the library takes one for each alias. */
export function linkAliases(document: Document): AliasTargets {
  const anchors = new Map<string, Node>()
  const targets = new Map<unknown, Node>()
  visit(document, {
    Node(_key, node) {
      const target = isAlias(node) ? anchors.get(node.source) : undefined
      if (target) targets.set(node, target)
      if (!isAlias(node) && node.anchor !== undefined) anchors.set(node.anchor, node)
    },
  })
  return targets
}

/** All anchors in the order of the text; null if they are too many to be kept. */
export function listAnchors(document: Document, outer: OuterAnchors): WrittenAnchor[] | null {
  const targets = linkAliases(document)
  const found: WrittenAnchor[] = []
  visit(document, {
    Node(_key, node) {
      if (isAlias(node) || node.anchor === undefined) return undefined
      if (found.length > MAX_ANCHORS) return visit.BREAK
      const [at, end] = node.range ?? [0, Number.MAX_SAFE_INTEGER]
      found.push({ name: node.anchor, at, end, text: printAnchor(node, { targets, outer }) })
      return undefined
    },
  })
  return found.length > MAX_ANCHORS ? null : found
}

/** The value that an anchor's text stands for. */
export function parseAnchor(text: string): Node | null {
  return parseDocument(text, { uniqueKeys: false }).contents
}

interface Anchored {
  targets: AliasTargets
  outer: OuterAnchors
}

function printAnchor(node: Node, anchored: Anchored): string | null {
  const text = new ValuePrinter(anchored).print(node)
  return text === undefined || text.length > MAX_PRINTED_LENGTH ? null : text
}

/** Prints values as YAML that means the same in any place; undefined if that is not possible, or takes too much. */
class ValuePrinter {
  readonly #anchored: Anchored
  #valuesLeft = MAX_PRINTED_VALUES

  constructor(anchored: Anchored) {
    this.#anchored = anchored
  }

  print(written: unknown): string | undefined {
    const node = this.#anchored.targets.get(written) ?? written
    this.#valuesLeft -= 1
    if (this.#valuesLeft < 0) return undefined
    if (node === null) return 'null'
    if (isAlias(node)) return this.#anchored.outer.get(node.source)
    if (isScalar(node)) return node.tag === undefined ? printScalar(node) : undefined
    if (isMap(node) && node.tag === undefined)
      return join(
        '{}',
        node.items.map((pair) => this.#printPair(pair)),
      )
    if (isSeq(node) && node.tag === undefined)
      return join(
        '[]',
        node.items.map((item) => this.print(item)),
      )
    return undefined
  }

  #printPair({ key, value }: Pair): string | undefined {
    const [name, text] = [isScalar(key) ? this.print(key) : undefined, this.print(value)]
    return name === undefined || text === undefined ? undefined : `${name}: ${text}`
  }
}

function join(brackets: '{}' | '[]', parts: (string | undefined)[]): string | undefined {
  if (parts.includes(undefined)) return undefined
  return `${brackets[0]}${parts.join(', ')}${brackets[1]}`
}

/** Prints a number or a word such as `true` as it was written, because its text is what counts. */
function printScalar({ value, source }: { value: unknown; source?: string }): string | undefined {
  if (value === null) return 'null'
  if (typeof value === 'string') return JSON.stringify(value)
  return typeof value === 'number' || typeof value === 'boolean' ? (source ?? String(value)) : undefined
}
