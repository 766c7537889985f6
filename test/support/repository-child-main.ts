import { localDriver } from '../../src/objects/drivers/local.ts'
import { openForTasks, runTask, type Task } from './repository-tasks.ts'
import { suicidalDriver } from './suicidal-driver.ts'

/** Runs a task, and is killed at its nth call to the store; never if n is 0. */
const [task = '', dir = '', nth = '0'] = process.argv.slice(2)
process.send?.('begun')
await using repository = await openForTasks(suicidalDriver(localDriver(dir), Number(nth)))
await runTask(task as Task, dir, repository)
process.disconnect()
