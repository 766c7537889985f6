let holders = 0

/**
 * restic sends SIGHUP to the process that a lock names, to see whether it lives (`restic unlock`, on the same machine);
 * its own processes pass over it. So does this one, from now until that is called.
 */
export function outliveHangUp(): () => void {
  if (holders++ === 0) process.on('SIGHUP', passOver)
  let isOver = false
  return () => {
    if (isOver) return
    isOver = true
    if (--holders === 0) process.off('SIGHUP', passOver)
  }
}

function passOver(): void {}
