// What is said when something does not exist. The domain refuses with these sentences; on REST, where GraphQL answers
// null, the rows say the same.

export function describeMissingServer(ip: string): string {
  return `There is no server "${ip}" in the inventory`
}

/** @param app the app that the job was looked for in, if any */
export function describeMissingJob(id: string, app: string | undefined): string {
  const of = app === undefined ? '' : ` of ${app}`
  return `There is no job "${id}"${of}; see the list of jobs`
}

export function describeMissingBackup({
  app,
  proc,
  name,
}: {
  app: string
  proc: string
  name: string
}): string {
  return `There is no backup "${name}" of ${proc} of ${app}; see its list of backups`
}
