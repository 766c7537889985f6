/** Numbers are i32 or addresses, bigints i64. */
export interface WasmExports {
  memory: { readonly buffer: ArrayBuffer; grow(pages: number): number }
}

// TypeScript declares WebAssembly only in its library for browsers.
declare const WebAssembly: {
  Module: new (bytes: Buffer) => object
  Instance: new (module: object) => { exports: unknown }
}

export const WASM_PAGE_BYTES = 65536

/** Returns a function that makes instances, each with its own memory. `Exports` is what the source in wasm/ exports. */
export function wasmMaker<Exports extends WasmExports>(base64: string): () => Exports {
  const module = new WebAssembly.Module(Buffer.from(base64, 'base64'))
  return () => new WebAssembly.Instance(module).exports as Exports
}
