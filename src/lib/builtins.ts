/**
 * Parts of Node that are not imported: an import reads each of their properties, which loads a WebSocket client and all
 * certificates that Node brings, 0.1 s of processor at each start of a program.
 */
export const loadHttp = () => process.getBuiltinModule('node:http')
export const loadHttps = () => process.getBuiltinModule('node:https')
export const loadTls = () => process.getBuiltinModule('node:tls')
