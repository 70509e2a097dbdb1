import type { MetricsFormat } from '../../src/kinds/metrics.ts'

/** The media types of the formats. */
export const CONTENT_TYPES: Readonly<Record<MetricsFormat, string>> = {
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
}

/** Which format a client wants. @param accept the header; the text format of Prometheus is sent to a client without one. */
export const acceptedFormat = (accept: string | null): MetricsFormat => {
  let [open, text] = [0, 0]
  for (const range of (accept ?? '').split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase())
    const parameterOf = (name: string) => parameters.find((each) => each.startsWith(`${name}=`))?.slice(name.length + 1)
    const quality = Number(parameterOf('q') ?? 1)
    const weight = Number.isFinite(quality) ? quality : 0
    const version = parameterOf('version')
    if (type === 'application/openmetrics-text' && (version === undefined || version === '1.0.0')) {
      open = Math.max(open, weight)
    } else if (type === 'text/plain' || type === 'text/*' || type === '*/*') text = Math.max(text, weight)
  }
  return open > 0 && open >= text ? 'openmetrics' : 'prometheus'
}
