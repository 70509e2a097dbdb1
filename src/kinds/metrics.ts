import { kind } from '../system/kind.ts'

/** `prometheus` is the text format 0.0.4 of Prometheus, `openmetrics` is OpenMetrics 1.0. */
export type MetricsFormat = 'prometheus' | 'openmetrics'

/** The numbers of all components, as a text for a monitoring system. */
export interface Metrics {
  /** The path at which the HTTP server serves it. */
  readonly path: string
  /** Reads all numbers now. @param format `prometheus` unless told otherwise, and if the names are not possible in the other one. */
  text(format?: MetricsFormat): string
}

export const Metrics = kind<Metrics>()('Metrics')
