import { hostname, userInfo } from 'node:os'

/** Who this process is, as restic writes it into keys and locks. */
export interface Who {
  hostname: string
  username: string
  uid: number
  gid: number
}

export function whoWeAre(): Who {
  return { hostname: hostname(), ...user() }
}

/** A user without a name (in a container, say) is as good. */
function user(): Omit<Who, 'hostname'> {
  try {
    const { username, uid, gid } = userInfo()
    return { username, uid, gid }
  } catch {
    return { username: '', uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }
  }
}
