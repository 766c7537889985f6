import { parentPort, workerData } from 'node:worker_threads'
import { errnoOf, messageOf } from '../lib/errors.ts'
import { SqlConnection } from './sql-connection.ts'
import type { SqlReply, SqlRequest, SqlThreadStart } from './sql-thread.ts'

/** The entry of a thread that owns one connection. Answers requests in their order; null ends it. */
const { file, readonly } = workerData as SqlThreadStart
const port = parentPort
let connection: SqlConnection | undefined

port?.on('message', (request: SqlRequest | null) => {
  if (request !== null) return port.postMessage(answer(request))
  connection?.close()
  port.close()
})

function answer(request: SqlRequest): SqlReply {
  try {
    return { value: run(request) }
  } catch (error) {
    return { failure: { code: errnoOf(error), message: messageOf(error) } }
  }
}

function run({ kind, sql, args }: SqlRequest): unknown {
  connection ??= new SqlConnection(file, readonly)
  switch (kind) {
    case 'read':
      return connection.read(sql, args)
    case 'write':
      return connection.write(sql, args)
    case 'script':
      return connection.runScript(sql)
  }
}
