/** Metrics as both text formats know them. */

/** One line of a family. */
export interface Sample {
  /** What follows the name of the family: `_bucket`. Left out for the usual one of the type. */
  readonly suffix?: string | undefined
  readonly labels: readonly (readonly [name: string, value: string])[]
  /** Reads the number. A sample whose reading fails is left out. */
  read(): number
}

export type FamilyType = 'counter' | 'gauge' | 'histogram' | 'info'

/** The samples of one name. */
export interface Family {
  /** Without `_total` of a counter and `_info` of an info. */
  readonly name: string
  readonly type: FamilyType
  readonly help: string
  /** The base unit that the name ends with, for OpenMetrics. */
  readonly unit?: 'seconds' | 'bytes' | undefined
  readonly samples: readonly Sample[]
  /** Its name is that of another program: a counter has no `_total`. OpenMetrics has no such names. */
  readonly hasForeignName?: boolean | undefined
}

/** A family with one sample without labels. */
export const single = (
  name: string,
  type: 'counter' | 'gauge',
  help: string,
  read: () => number,
  unit?: Family['unit'],
): Family => ({ name, type, help, samples: [{ labels: [], read }], unit })
