import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml'
import { describeHiddenWord, describeUnknownWord } from './describe-unknown-word.ts'
import {
  type AliasTargets,
  linkAliases,
  listAnchors,
  type OuterAnchors,
  parseAnchor,
  type WrittenAnchor,
} from './yaml-anchors.ts'
import { hideText, toProblems, type YamlProblem } from './yaml-problems.ts'

/** A value of the file with its position; `node` is null if nothing follows the key. */
export interface Value {
  node: Node | null
  /** Offset in the text, for problems. */
  at: number
}

export interface YamlReaderOptions {
  /** Anchors that the text may use, although they stand elsewhere. */
  outer?: OuterAnchors
  /** Problems do not repeat what is written. */
  hasSecrets?: boolean
}

export interface YamlEntry extends Value {
  key: string
  keyAt: number
}

export interface FieldRules<K extends string> {
  known: readonly K[]
  needed?: readonly NoInfer<K>[]
  example: string
}

/** Limit of values, aliases resolved, because a small file can expand to billions. */
export const MAX_VALUES = 1_000_000
const MAX_PROBLEMS = 1000

/**
 * Reads a YAML text value by value. Problems are collected with line and column, and invalid values read as undefined,
 * so that one pass finds all problems.
 */
export class YamlReader {
  readonly problems: YamlProblem[] = []
  readonly root: Value
  readonly #lines = new LineCounter()
  readonly #document
  readonly #outer: OuterAnchors
  readonly #hasSecrets: boolean
  #targets: AliasTargets | undefined
  #valuesLeft = MAX_VALUES

  /** @param outer anchors that the text may use, although they stand elsewhere */
  constructor(text: string, { outer = new Map(), hasSecrets = false }: YamlReaderOptions = {}) {
    this.#outer = outer
    this.#hasSecrets = hasSecrets
    // The parser's check for duplicate keys is quadratic; entries() checks instead.
    this.#document = parseDocument(text, { lineCounter: this.#lines, prettyErrors: false, uniqueKeys: false })
    const problems = toProblems(this.#document.errors, this.#lines)
    this.problems.push(...(hasSecrets ? problems.map(hideText) : problems))
    this.root = { node: this.#document.contents, at: this.#document.contents?.range?.[0] ?? 0 }
  }

  /** How many values were read, aliases resolved. */
  get valuesRead(): number {
    return MAX_VALUES - this.#valuesLeft
  }

  /** All anchors in the order of the text; null if they are too many to be kept. */
  listAnchors(): WrittenAnchor[] | null {
    return listAnchors(this.#document, this.#outer)
  }

  problem({ at }: { at: number }, message: string): undefined {
    if (this.#valuesLeft <= 0) return
    const { line, col } = this.#lines.linePos(at)
    if (this.problems.length < MAX_PROBLEMS) this.problems.push({ line, column: col, message })
  }

  /** A problem that says which words are known. */
  unknownWord(value: { at: number }, word: string, known: readonly string[]): undefined {
    const describe = this.#hasSecrets ? describeHiddenWord : describeUnknownWord
    return this.problem(value, describe(word, known))
  }

  /** The entries of a map with text keys, without duplicates. `example` shows what to write if there is none. */
  entries(value: Value, example: string): YamlEntry[] {
    const node = this.#resolve(value)
    if (isMap<Node, Node | null>(node))
      return this.#once(node.items.flatMap((pair) => this.#entry(pair.key, pair.value)))
    this.problem(value, `a map belongs here: ${example}`)
    return []
  }

  /** Like entries(), keyed by name; reports unknown and missing fields. */
  fields<K extends string>(
    value: Value,
    { known, needed, example }: FieldRules<K>,
  ): Partial<Record<K, YamlEntry>> {
    const before = this.problems.length
    const fields: Partial<Record<K, YamlEntry>> = {}
    for (const entry of this.entries(value, example)) {
      const name = known.find((word) => word === entry.key)
      if (name === undefined) this.unknownWord({ at: entry.keyAt }, entry.key, known)
      else fields[name] = entry
    }
    if (this.problems.length > before) return fields
    for (const name of needed ?? []) {
      if (!fields[name]) this.problem(value, `"${name}" is missing here: write ${example}`)
    }
    return fields
  }

  list(value: Value, example: string): Value[] {
    const node = this.#resolve(value)
    if (isSeq<Node>(node)) return node.items.map((item) => ({ node: item, at: item?.range?.[0] ?? value.at }))
    this.problem(value, `a list belongs here: ${example}`)
    return []
  }

  /** A scalar as written in the file, numbers included. */
  text(value: Value, example: string): string | undefined {
    const node = this.#resolve(value)
    const text = isScalar(node) ? readScalar(node.value, node.source) : undefined
    return text ?? this.problem(value, `a text belongs here: ${example}`)
  }

  isMap(value: Value): boolean {
    return isMap(this.#resolve(value))
  }

  /** Whether the entries of a map have lines of their own: it is not written in braces, and it is not an alias. */
  isBlock({ node }: Value): boolean {
    return isMap(node) && node.flow !== true
  }

  isText(value: Value): boolean {
    return isScalar(this.#resolve(value))
  }

  isEmpty(value: Value): boolean {
    const node = this.#resolve(value)
    return node === null || (isScalar(node) && node.value === null)
  }

  #once(entries: YamlEntry[]): YamlEntry[] {
    const seen = new Set<string>()
    for (const { key, keyAt } of entries) {
      const name = this.#hasSecrets ? 'this' : `"${key}"`
      if (seen.has(key))
        this.problem({ at: keyAt }, `${name} appears here for the second time: keep one of them`)
      seen.add(key)
    }
    return entries
  }

  #entry(key: unknown, value: Node | null): YamlEntry[] {
    const keyAt = isScalar(key) || isMap(key) || isSeq(key) || isAlias(key) ? (key.range?.[0] ?? 0) : 0
    const text = isScalar(key) ? readScalar(key.value, key.source) : undefined
    if (text === undefined) return this.problem({ at: keyAt }, 'a key must be a plain text') ?? []
    return [{ key: text, keyAt, node: value, at: value?.range?.[0] ?? keyAt }]
  }

  #resolve({ node, at }: Value): Node | null {
    if (this.#valuesLeft === 1) this.#giveUp(at)
    if (this.#valuesLeft <= 0) return null
    this.#valuesLeft -= 1
    return isAlias(node) ? this.#follow(node, at) : node
  }

  /** Replaces all other problems by this one. */
  #giveUp(at: number): void {
    this.problems.length = 0
    this.problem(
      { at },
      `the file has more than ${MAX_VALUES} values once its aliases are resolved: split it, or use fewer aliases`,
    )
    this.#valuesLeft = 0
  }

  #follow(alias: Node & { source: string }, at: number): Node | null {
    const target = this.#findTarget(alias)
    if (isMap(target) || isSeq(target) || isScalar(target)) return target
    const { source } = alias
    const message = this.#hasSecrets
      ? 'this begins with "*", but does not name an anchor: put the text in quotes'
      : `"*${source}" does not name an anchor: write "&${source}" where it is first used, or put the text in quotes`
    this.problem({ at }, message)
    return null
  }

  #findTarget(alias: Node & { source: string }): Node | null | undefined {
    this.#targets ??= linkAliases(this.#document)
    const outer = this.#outer.get(alias.source)
    return this.#targets.get(alias) ?? (outer === undefined ? undefined : parseAnchor(outer))
  }
}

function readScalar(value: unknown, source: string | undefined): string | undefined {
  if (typeof value === 'string') return value
  return typeof value === 'number' || typeof value === 'boolean' ? (source ?? String(value)) : undefined
}
