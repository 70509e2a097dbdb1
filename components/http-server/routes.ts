import type { HttpHandler } from '../../src/kinds/http-server.ts'

/** The handlers by their paths. */
export class Routes {
  readonly #handlers = new Map<string, HttpHandler>()

  /** As `HttpServer.route`. */
  add(path: string, handler: HttpHandler): () => void {
    if (path !== '/' && (!path.startsWith('/') || path.endsWith('/'))) {
      throw new TypeError(`A path begins with a slash and does not end with one, unless it is '/': not '${path}'.`)
    }
    if (this.#handlers.has(path))
      throw new Error(`${path} is served by another component. Give one of them another path.`)
    this.#handlers.set(path, handler)
    return () => {
      if (this.#handlers.get(path) === handler) this.#handlers.delete(path)
    }
  }

  /** The handler of the longest path that a path is at or below. @param pathname of a URL. */
  find(pathname: string): HttpHandler | undefined {
    for (let path = pathname; path.length > 0; path = path.slice(0, path.lastIndexOf('/'))) {
      const handler = this.#handlers.get(path)
      if (handler !== undefined) return handler
    }
    return this.#handlers.get('/')
  }
}
