import { hostname, userInfo } from 'node:os'

/** The identity of this process, as restic writes it into keys and locks. */
export interface Who {
  hostname: string
  username: string
  uid: number
  gid: number
}

export function readProcessIdentity(): Who {
  return { hostname: hostname(), ...user() }
}

/** A user without a name, as in some containers, gets an empty one. */
function user(): Omit<Who, 'hostname'> {
  try {
    const { username, uid, gid } = userInfo()
    return { username, uid, gid }
  } catch {
    return { username: '', uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }
  }
}
