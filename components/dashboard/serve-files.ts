/** Answers requests with the files of the dashboard. */

import type { HttpHandler } from '../../src/kinds/http-server.ts'
import { wholeBody } from '../../src/network/whole-body.ts'
import type { BuiltFile, BuiltFiles } from './read-build.ts'

/**
 * The page loads scripts, styles and images from its own address alone, calls its own address alone, and no other page shows it in a
 * frame. uPlot and preact set styles through the object model, which `style-src` does not concern.
 */
const CONTENT_SECURITY_POLICY = [
  "default-src 'self'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
}

const NOT_BUILT = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>mqtt-jig</title></head>
<body>
<h1>The dashboard is not built</h1>
<p>The broker runs from its sources. Run <code>npm run build</code>, and restart the broker.</p>
<p>To work on the dashboard, run <code>npm run dashboard</code> beside the broker.</p>
</body>
</html>
`

/**
 * Serves the files below a path. Only names that are among the files are answered, so that no path leads to another file.
 * @param files undefined if the dashboard is not built: the page says what to run.
 * @param path `/`, or a path without a slash at its end.
 */
export const serveFiles = (files: BuiltFiles | undefined, path: string): HttpHandler => {
  const root = path === '/' ? '/' : `${path}/`
  return (request) => {
    const { method } = request
    if (method !== 'GET' && method !== 'HEAD')
      return text(405, 'The dashboard is read with GET.\n', { allow: 'GET, HEAD' })
    const { pathname } = new URL(request.url)
    // Its files are found relative to its path, which must end with a slash.
    if (pathname !== root && pathname === path)
      return text(308, '', { location: `${path.slice(path.lastIndexOf('/') + 1)}/` })
    if (!pathname.startsWith(root)) return text(404, 'Not found.\n')
    const name = pathname.slice(root.length)
    if (files === undefined) {
      return name === ''
        ? text(503, NOT_BUILT, { 'content-type': 'text/html; charset=utf-8' })
        : text(404, 'Not found.\n')
    }
    const file = files.get(name === '' ? 'index.html' : name)
    return file === undefined ? text(404, 'Not found.\n') : answer(file, request)
  }
}

const text = (status: number, body: string, headers: Readonly<Record<string, string>> = {}): Response => {
  const standard = { ...HEADERS, 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' }
  return new Response(wholeBody(body), { status, headers: { ...standard, ...headers } })
}

const answer = (file: BuiltFile, { method, headers }: Request): Response => {
  const { type, bytes, gzipped, tag, isHashed } = file
  const sent: Record<string, string> = {
    ...HEADERS,
    'content-type': type,
    etag: tag,
    // The page names the files of its own build: it is asked for each time.
    'cache-control': isHashed ? 'public, max-age=31536000, immutable' : 'no-cache',
    vary: 'accept-encoding',
  }
  if (hasTag(headers.get('if-none-match'), tag)) return new Response(null, { status: 304, headers: sent })
  const isGzipped = gzipped !== undefined && acceptsGzip(headers.get('accept-encoding'))
  if (isGzipped) sent['content-encoding'] = 'gzip'
  const body = isGzipped ? gzipped : bytes
  sent['content-length'] = `${body.length}`
  return new Response(method === 'HEAD' ? null : wholeBody(body), { headers: sent })
}

/** A tag of `If-None-Match`; a proxy that compresses makes it weak: `W/"…"`. */
const hasTag = (wanted: string | null, tag: string): boolean =>
  (wanted ?? '').split(',').some((each) => each.trim().replace(/^W\//, '') === tag)

/** `gzip;q=0` is a refusal. */
const acceptsGzip = (accepted: string | null): boolean =>
  (accepted ?? '').split(',').some((each) => /^\s*gzip\s*(?:;\s*q=(?!0(?:\.0*)?\s*$).*)?$/i.test(each))
