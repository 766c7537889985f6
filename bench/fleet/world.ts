import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Remote } from './calls.ts'
import { endChild } from './child.ts'
import { type MeasuredController, startController } from './controller.ts'
import { listServers, makeInventory } from './inventory.ts'
import { openSimulator } from './open-simulator.ts'
import type { BenchOptions } from './options.ts'
import { query } from './questions.ts'
import type { Simulator } from './simulator/simulator.ts'

const READY_LIMIT_MS = 900_000

export interface FleetController extends MeasuredController {
  /** From the start of the process until it answered the first list of records. */
  answeredAfterMs: number
  /** From the start of the process until it had asked every daemon, and each had its jobs. */
  readyAfterMs: number
  /** By performance.now(). */
  readyAt: number
  /** The file of its catalog. */
  catalog: string
}

/** What a row measures: one built controller with its fleet. */
export class World implements AsyncDisposable {
  readonly options: BenchOptions
  /** The built program: `dist/main.js`. */
  readonly main: string
  readonly folder = mkdtempSync(join(tmpdir(), 'fleet-'))
  readonly simulator: Remote<Simulator>
  readonly #child: ChildProcess
  readonly #results = new Map<(world: World) => unknown, unknown>()
  #controller: FleetController | undefined

  private constructor(options: BenchOptions, main: string) {
    this.options = options
    this.main = main
    const { child, simulator } = openSimulator()
    this.#child = child
    this.simulator = simulator
    this.writeInventory(makeInventory(options))
  }

  /** Starts the daemons; the first row that needs the controller starts it. */
  static async open(options: BenchOptions, main: string): Promise<World> {
    const world = new World(options, main)
    await world.simulator.open({ servers: listServers(options), port: options.port + 1 })
    await world.simulator.behave(options.manners)
    return world
  }

  /** Puts a new inventory file in place. @returns unix ms of that moment */
  writeInventory(text: string): number {
    const part = join(this.folder, 'inventory.part')
    writeFileSync(part, text)
    renameSync(part, this.#inventory)
    return Date.now()
  }

  dataDir(name: string): string {
    return join(this.folder, name)
  }

  /** Runs a part that several rows share once. */
  async once<T>(part: (world: World) => Promise<T>): Promise<T> {
    if (!this.#results.has(part)) this.#results.set(part, part(this))
    return (await this.#results.get(part)) as T
  }

  /** The controller that the rows share; it has sent every daemon its jobs. Starts it if it does not run. */
  async controller({ dataDir = 'controller' } = {}): Promise<FleetController> {
    if (this.#controller) return this.#controller
    const start = performance.now()
    const controller = await this.#start(dataDir, this.#inventory)
    await query(controller.url, '{ records(first: 1) { nodes { rid } } }')
    const answeredAfterMs = performance.now() - start
    await this.untilReady()
    const readyAt = performance.now()
    const catalog = join(this.dataDir(dataDir), 'catalog.db')
    this.#controller = { ...controller, answeredAfterMs, readyAfterMs: readyAt - start, readyAt, catalog }
    return this.#controller
  }

  /** Until the running controller has asked every daemon, and each has its jobs. */
  untilReady(): Promise<void> {
    return this.simulator.untilReady(READY_LIMIT_MS)
  }

  /** A controller with an inventory of its own, while the one that the rows share does not run. */
  async startAlone({
    dataDir,
    inventory,
  }: {
    dataDir: string
    inventory: string
  }): Promise<MeasuredController> {
    if (this.#controller) throw new Error('Another controller runs: this row has to come first')
    const file = join(this.folder, `${dataDir}.yaml`)
    writeFileSync(file, inventory)
    return this.#start(dataDir, file)
  }

  async stopController(): Promise<void> {
    await this.#controller?.stop()
    this.#controller = undefined
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stopController()
    await endChild(this.#child, 2000)
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 })
  }

  get #inventory(): string {
    return join(this.folder, 'inventory.yaml')
  }

  async #start(dataDir: string, inventory: string): Promise<MeasuredController> {
    await this.simulator.forgetPolls()
    const files = { dataDir: this.dataDir(dataDir), inventory }
    const { port } = this.options
    return startController({ main: this.main, port, daemonPort: port + 1, ...files })
  }
}
