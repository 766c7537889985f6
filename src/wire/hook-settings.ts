/** What the flags of a daemon allow hooks to do. Plain data, because it is sent to child processes. */
export interface HookSettings {
  /** The folder whose scripts may run on this machine; absolute. */
  hostDir?: string
  /** The unix socket of a Docker-compatible engine; absolute. */
  containerSocket?: string
}
