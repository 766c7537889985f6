import { describeUnknownWord } from './describe-unknown-word.ts'
import type { WrittenProc } from './inventory-apps.ts'
import { LAIN_VOLUMES, readVolumes } from './inventory-volumes.ts'
import { isAppName, parseLainProc } from './proc-name.ts'
import type { Value, YamlEntry, YamlReader } from './yaml-reader.ts'

/** The sections of a lain.yaml besides its procs, which are ignored. */
const SECTIONS = [
  'appname',
  'giturl',
  'apptype',
  'build',
  'test',
  'release',
  'publish',
  'use_services',
  'use_resources',
  'notify',
]
const PROC_SECTION = /^(web|worker|oneshot|portal)(\.|$)|^(proc|service)\./
const PROC_FIELDS: readonly string[] = [
  'type user image entrypoint cmd workdir working_dir num_instances cpu labels filters',
  'memory port ports healthcheck container_healthcheck env persistent_dirs volumes',
  'cloud_volumes secret_files logs mountpoint https_only stateful secret_files_bypass',
  'kill_timeout setup_time service_name allow_clients portal dns_search',
].flatMap((line) => line.split(' '))

const PROC_RULES = { known: PROC_FIELDS, example: 'volumes: …' }

/** Reads the procs that have volumes from a lain.yaml, each with instance 1 on the given server. */
export function readLainYaml(reader: YamlReader, root: Value, server: string): WrittenProc[] {
  const sections = reader.entries(root, 'appname: shop')
  const appname = sections.find(({ key }) => key === 'appname')
  const app = appname ? reader.text(appname, 'appname: shop') : undefined
  if (app === undefined) return []
  if (!isAppName(app))
    reader.problem(
      appname ?? root,
      `"${app}" is not a valid name of an app: use letters, digits, "-" and "_", 100 at most`,
    )
  return sections.flatMap((section) => {
    if (PROC_SECTION.test(section.key)) return readLainProc(reader, section, { app, server })
    if (!SECTIONS.includes(section.key)) {
      reader.problem(
        { at: section.keyAt },
        describeUnknownWord(section.key, [...SECTIONS, 'web', 'worker.NAME', 'proc.NAME']),
      )
    }
    return []
  })
}

function readLainProc(
  reader: YamlReader,
  section: YamlEntry,
  { app, server }: { app: string; server: string },
): WrittenProc[] {
  if (reader.isEmpty(section)) return []
  const { type, volumes, persistent_dirs } = reader.fields(section, PROC_RULES)
  const proc = parseLainProc(app, section.key, type ? (reader.text(type, 'type: web') ?? '') : 'worker')
  if (!proc) {
    reader.problem(
      { at: section.keyAt },
      `"${section.key}" is not a proc, expected web, or worker.NAME, or proc.NAME with its type`,
    )
    return []
  }
  // If both are given, the legacy system reads persistent_dirs.
  const list = persistent_dirs ?? volumes
  if (!list || reader.isEmpty(list)) return []
  const instances = [{ no: 1, server, containers: [], at: section.keyAt }]
  return [{ app, proc, instances, volumes: readVolumes(reader, list, LAIN_VOLUMES) }]
}
