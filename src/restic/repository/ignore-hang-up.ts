let holders = 0

/**
 * Ignores SIGHUP until the returned function is called. `restic unlock` on the same machine sends SIGHUP to the process
 * of a lock to check whether it is alive; restic's own processes ignore it too.
 */
export function ignoreHangUp(): () => void {
  if (holders++ === 0) process.on('SIGHUP', ignore)
  let isOver = false
  return () => {
    if (isOver) return
    isOver = true
    if (--holders === 0) process.off('SIGHUP', ignore)
  }
}

function ignore(): void {}
