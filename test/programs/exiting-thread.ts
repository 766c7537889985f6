import { parentPort } from 'node:worker_threads'

/** The entry of a thread that exits instead of answering. */
parentPort?.once('message', () => process.exit(7))
