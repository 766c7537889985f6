import { openForTasks, runTask, type Task } from '../support/repository-tasks.ts'
import { suicidalDriver } from '../support/suicidal-driver.ts'
import { openTaskStore } from '../support/task-store.ts'

/** Runs a task, and is killed at its nth call to the store; never if n is 0. */
const [task = '', dir = '', nth = '0', bucket = 'null'] = process.argv.slice(2)
const driver = openTaskStore(dir, JSON.parse(bucket) ?? undefined)
process.send?.('begun')
await using repository = await openForTasks(suicidalDriver(driver, Number(nth)))
await runTask(task as Task, dir, repository)
process.disconnect()
